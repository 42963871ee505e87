import math

import pytest
import torch
import trimesh

from common.cameras import orbit_cameras
from common.errors import InputError
from tests.threed.scenes.test_visual_hull import ball_alpha
from threed.meshing.level import fitted_surface
from threed.meshing.surface import SurfaceOptions, extract_surface
from threed.scenes.voxel_field import EMPTY_RAW, VoxelField, node_positions, uniform_field

EXACT = SurfaceOptions(blur_cells=0.0, smoothing_steps=0, contrast=1e9)


def field_of(distance):
    """A field whose raw density is a signed distance in cells, positive inside."""
    field = uniform_field((49, 49, 49))
    return VoxelField(distance(node_positions(field)) / field.cell_m[0], field.colour)


def ball(radius, centre=(0.0, 0.0, 0.0)):
    return lambda points: radius - (points - torch.tensor(centre)).norm(dim=-1)


def as_trimesh(mesh):
    return trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)


def assert_sound(mesh):
    solid = as_trimesh(mesh)
    assert solid.is_watertight
    assert solid.is_winding_consistent
    assert solid.volume > 0  # faces look outward
    assert float(solid.area_faces.min()) > 0


def test_surface_of_a_distance_is_its_sphere():
    mesh = extract_surface(field_of(ball(0.4)), 0.0, EXACT)
    assert_sound(mesh)
    # linear interpolation of the distance along edges: second order in cells of 2.5 cm
    assert float((mesh.vertices.norm(dim=-1) - 0.4).abs().max()) < 3e-4
    assert as_trimesh(mesh).volume == pytest.approx(4 / 3 * math.pi * 0.4**3, rel=0.01)


def test_smoothing_keeps_the_size():
    rough = field_of(ball(0.4))
    noise = torch.randn(rough.density.shape, generator=torch.Generator().manual_seed(0))
    rough = VoxelField(rough.density + 0.5 * noise, rough.colour)
    smooth = extract_surface(rough)
    assert_sound(smooth)
    radius = smooth.vertices.norm(dim=-1)
    before = extract_surface(rough, 0.0, EXACT).vertices.norm(dim=-1)
    assert float(radius.mean()) == pytest.approx(0.4, rel=0.005)
    assert float(radius.std()) < 0.3 * float(before.std())


def test_level_moves_the_surface_by_that_many_cells():
    field = field_of(ball(0.4))
    mesh = extract_surface(field, -2.0, EXACT)
    assert float(mesh.vertices.norm(dim=-1).mean()) == pytest.approx(0.45, abs=1e-3)


def test_hollow_bodies_become_solid_and_specks_go():
    def hollow_with_specks(points):
        shell = torch.minimum(ball(0.4)(points), -ball(0.2)(points))
        speck = ball(0.06, (0.52, 0.52, 0.52))(points)
        return torch.maximum(shell, speck)

    mesh = extract_surface(field_of(hollow_with_specks))
    assert_sound(mesh)
    assert len(as_trimesh(mesh).split()) == 1
    assert float(mesh.vertices.norm(dim=-1).min()) > 0.35


def test_pieces_of_some_size_are_kept():
    def two(points):
        return torch.maximum(
            ball(0.2, (0.3, 0.0, 0.0))(points), ball(0.1, (-0.3, 0.0, 0.0))(points)
        )

    assert len(as_trimesh(extract_surface(field_of(two))).split()) == 2
    large = SurfaceOptions(min_component=0.2)
    assert len(as_trimesh(extract_surface(field_of(two), 0.0, large)).split()) == 1


def test_matter_at_the_box_is_closed():
    field = uniform_field((25, 25, 25), 3.0)
    mesh = extract_surface(field)
    assert_sound(mesh)
    # the border of empty nodes is one cell outside, and the surface between the two
    sides = as_trimesh(mesh).extents
    assert sides.min() >= 1.2 - 1e-6
    assert sides.max() <= 1.2 + 2 * field.cell_m[0]


@pytest.mark.parametrize("seed", range(5))
def test_any_field_gives_a_sound_mesh(seed):
    generator = torch.Generator().manual_seed(seed)
    field = uniform_field((17, 13, 15))
    coarse = torch.randn(1, 1, 5, 5, 5, generator=generator)
    smooth = torch.nn.functional.interpolate(coarse, (17, 13, 15), mode="trilinear")[0, 0]
    rough = VoxelField(4 * smooth + torch.randn(17, 13, 15, generator=generator), field.colour)
    for options in (EXACT, SurfaceOptions()):
        solid = as_trimesh(extract_surface(rough, 0.0, options))
        assert solid.is_watertight
        assert solid.is_winding_consistent
        assert solid.volume > 0


def test_fewer_cells_give_fewer_faces():
    field = field_of(ball(0.4))
    fine, coarse = (extract_surface(field, 0.0, SurfaceOptions(num_cells=n)) for n in (48, 24))
    assert len(coarse.faces) == pytest.approx(len(fine.faces) / 4, rel=0.1)
    assert float(coarse.vertices.norm(dim=-1).mean()) == pytest.approx(0.4, rel=0.01)


def test_an_empty_field_is_refused():
    with pytest.raises(InputError, match="nothing in the field is denser"):
        extract_surface(uniform_field((5, 5, 5)))
    camera = orbit_cameras(0.0, 0.0, 3.6, 25.0, 16, 16)
    with pytest.raises(InputError, match="empty"):
        fitted_surface(uniform_field((5, 5, 5), EMPTY_RAW), torch.ones(1, 16, 16), camera)


@pytest.mark.parametrize("radius", [0.3, 0.45])
def test_fitted_surface_has_the_pictures_outline(radius):
    field = field_of(ball(0.4))
    cameras = orbit_cameras([0.0, 120.0, 240.0], 10.0, 3.6, 25.0, 96, 96)
    found = fitted_surface(field, ball_alpha(cameras, radius).float(), cameras)
    # steps of a quarter of a cell of 2.5 cm
    assert float(found.mesh.vertices.norm(dim=-1).mean()) == pytest.approx(radius, abs=0.005)
    assert found.level == pytest.approx((0.4 - radius) / field.cell_m[0], abs=0.26)
    assert found.iou > 0.97
