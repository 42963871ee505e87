import numpy as np
import pytest
import torch
import trimesh

from common.cameras import orbit_cameras
from common.errors import InputError
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.raster.texture import sample_texture, texture_pyramid
from threed.measures.consistency import view_psnr
from threed.scenes.voxel_field import VoxelField, node_positions, raw_of_colour, uniform_field
from threed.texturing.bake import BakeOptions, Pictures, baked
from threed.texturing.field_colours import surface_colours
from threed.texturing.texels import texels_of, texture_from
from threed.texturing.unwrap import unwrap
from threed.texturing.view_colours import view_colours


def sphere(radius=0.4, subdivisions=3):
    solid = trimesh.creation.icosphere(subdivisions, radius)
    return TriangleMesh(
        torch.tensor(solid.vertices, dtype=torch.float32), torch.tensor(solid.faces).int()
    )


def painted_ball(radius=0.4, nodes=49):
    """A dense ball whose colour is an affine function of position, so that it is known anywhere."""
    field = uniform_field((nodes,) * 3)
    points = node_positions(field)
    raw = (8 * (radius - points.norm(dim=-1)) / field.cell_m[0]).clamp(-10, 8)
    return VoxelField(raw, raw_of_colour(paint(points)))


def paint(points):
    return 0.5 + 0.6 * points


@pytest.fixture(scope="module")
def unwrapped():
    return unwrap(sphere(), 256)


def test_charts_are_inside_the_page_and_do_not_overlap(unwrapped):
    # two texels from the edge, half of what charts keep from each other: viewers repeat textures
    assert float(unwrapped.uvs.min()) >= 2 / 256 - 1e-6
    assert float(unwrapped.uvs.max()) <= 1 - 2 / 256 + 1e-6
    corners = unwrapped.uvs[unwrapped.uv_faces.long()].double()
    a, b, c = corners.unbind(1)
    edges = torch.stack([b - a, c - a], -1)
    areas = torch.linalg.det(edges).abs() / 2
    assert float(areas.min()) > 0
    # triangles that do not overlap cover as much together as one by one: texel centres tell
    size = 2048
    owned = texels_of(unwrapped, size).owned.double().mean()
    assert float(owned) == pytest.approx(float(areas.sum()), rel=2e-3)


def test_charts_keep_their_distance(unwrapped):
    from scipy import ndimage

    owned = texels_of(unwrapped, 256).owned.numpy()
    labels, count = ndimage.label(owned, np.ones((3, 3)))
    assert count > 1
    for chart in range(1, count + 1):
        others = ndimage.distance_transform_edt((labels == 0) | (labels == chart))
        assert others[labels == chart].min() >= 4


def test_texels_lie_on_the_surface(unwrapped):
    texels = texels_of(unwrapped, 128)
    radius = texels.positions.norm(dim=-1)
    # a facet of the sphere of three subdivisions sinks by less than 1 %
    assert float(radius.min()) > 0.395
    assert float(radius.max()) < 0.4001
    outward = (texels.normals * texels.positions / radius[:, None]).sum(-1)
    assert float(outward.min()) > 0.999


def test_gutters_repeat_the_nearest_texel_at_every_mip_level(unwrapped):
    texels = texels_of(unwrapped, 256)
    colours = paint(texels.positions)
    texture = texture_from(texels, colours)
    assert torch.equal(texture[texels.owned], colours)
    # what a bilinear or mip-mapped lookup returns on the surface is close to the paint there
    points = sphere().vertices[unwrapped.faces[:, 0].long()]
    uv = unwrapped.uvs[unwrapped.uv_faces[:, 0].long()]
    pyramid = texture_pyramid(texture)
    for level, tolerance in ((0.0, 0.01), (2.0, 0.035)):
        seen = sample_texture(pyramid, uv, level=torch.full((len(uv),), level))
        # at level l a lookup reaches 2^l texels of 6 mm, over which the paint changes by 0.4 %
        assert float((seen - paint(points)).abs().max()) < tolerance


def test_field_colours_are_those_of_the_shell():
    field = painted_ball()
    points = torch.nn.functional.normalize(
        torch.randn(200, 3, generator=torch.Generator().manual_seed(0)), dim=-1
    )
    ours = surface_colours(field, 0.4 * points, points)
    # the shell is half a cell deep, where the paint has changed by under 1 %
    torch.testing.assert_close(ours, paint(0.4 * points), rtol=0, atol=0.015)


def test_colour_of_an_empty_shell_is_that_of_the_point():
    field = painted_ball()
    away = torch.tensor([[0.0, 0.55, 0.0]])
    nothing = surface_colours(field, away, torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(nothing, paint(away), rtol=0, atol=0.01)


def test_views_see_what_faces_them_and_nothing_else(unwrapped):
    cameras = orbit_cameras([0.0, 180.0], 0.0, 3.6, 25.0, 96, 96)
    red, blue = torch.tensor([1.0, 0, 0, 1.0]), torch.tensor([0, 0, 1.0, 1.0])
    pictures = torch.stack([red.expand(96, 96, 4), blue.expand(96, 96, 4)])
    points = torch.tensor([[0.0, 0, 0.4], [0.0, 0, -0.4], [0.4, 0, 0]])
    colours, weights = view_colours(unwrapped, points, points / 0.4, pictures, cameras)
    torch.testing.assert_close(weights[:, :2], torch.eye(2), atol=2e-3, rtol=0)
    assert weights[:, 2].tolist() == [0.0, 0.0]  # seen edge on
    torch.testing.assert_close(colours[0, 0], red[:3])
    torch.testing.assert_close(colours[1, 1], blue[:3])


def test_views_do_not_see_through_what_is_in_front():
    front, behind = sphere(0.1), sphere(0.2)
    vertices = torch.cat([front.vertices + torch.tensor([0.0, 0, 0.4]), behind.vertices])
    both = TriangleMesh(vertices, torch.cat([front.faces, behind.faces + len(front.vertices)]))
    camera = orbit_cameras(0.0, 0.0, 3.6, 25.0, 128, 128)
    points = torch.tensor([[0.0, 0.0, 0.2], [0.15, 0.0, 0.13], [0.0, 0.0, 0.5]])
    normals = torch.nn.functional.normalize(points, dim=-1)
    _, weights = view_colours(both, points, normals, torch.ones(1, 128, 128, 4), camera)
    assert weights[0, 0] == 0
    assert weights[0, 1] > 0.1
    assert weights[0, 2] > 0.9


def test_pixels_at_the_outline_say_nothing(unwrapped):
    camera = orbit_cameras(0.0, 0.0, 3.6, 25.0, 64, 64)
    pictures = torch.zeros(1, 64, 64, 4)
    pictures[:, :, :32] = 1.0  # the right half of the ball is missing in the picture
    points = torch.tensor([[-0.2, 0.0, 0.346], [-0.005, 0.0, 0.4], [0.2, 0.0, 0.346]])
    _, weights = view_colours(unwrapped, points, points / 0.4, pictures, camera)
    assert weights[0, 0] > 0.3
    assert weights[0, 1:].tolist() == [0.0, 0.0]


def test_baked_ball_shows_its_pictures_again(unwrapped):
    field = painted_ball()
    cameras = orbit_cameras([0.0, 90.0, 180.0, 270.0], 10.0, 3.6, 25.0, 96, 96)
    colours = paint(unwrapped.vertices)
    truth = render_mesh(
        TriangleMesh(unwrapped.vertices, unwrapped.faces, vertex_colors=colours), cameras,
        lighting=FLAT_LIGHTING,
    ).rgba  # fmt: skip
    for pictures in (None, Pictures(truth, cameras)):
        mesh = baked(unwrapped, field, pictures, BakeOptions(size=256))
        assert mesh.texture.shape == (256, 256, 3)
        seen = render_mesh(mesh, cameras, lighting=FLAT_LIGHTING).rgba
        assert float(view_psnr(seen, truth).min()) > 33


def test_pictures_win_where_they_see_well(unwrapped):
    grey = painted_ball()
    grey = VoxelField(grey.density, torch.zeros_like(grey.colour))
    camera = orbit_cameras(0.0, 0.0, 3.6, 25.0, 96, 96)
    red = torch.tensor([1.0, 0.0, 0.0, 1.0]).expand(1, 96, 96, 4)
    options = BakeOptions(size=128, level_seams=False)  # which would spread some red
    mesh = baked(unwrapped, grey, Pictures(red, camera), options)
    texels = texels_of(unwrapped, 128)
    facing = mesh.texture[texels.owned][texels.normals[:, 2] > 0.95]
    away = mesh.texture[texels.owned][texels.normals[:, 2] < 0.1]
    assert float((facing - torch.tensor([1.0, 0, 0])).abs().max()) < 0.05
    assert float((away - 0.5).abs().max()) < 1e-3


def test_wrong_requests_are_refused(unwrapped):
    with pytest.raises(InputError, match="see unwrap"):
        texels_of(sphere(), 64)
    tiny = TriangleMesh(
        unwrapped.vertices, unwrapped.faces, uvs=0 * unwrapped.uvs, uv_faces=unwrapped.uv_faces
    )
    with pytest.raises(InputError, match="no texel of a 64 x 64"):
        texels_of(tiny, 64)


def test_given_picture_is_believed_whatever_the_others_show(unwrapped):
    """The ball's own front is green; a picture of it in red is given."""
    cameras = orbit_cameras([0.0, 120.0, 240.0], [0.0] * 3, 4.0, 20.0, 64, 64)
    green, red = torch.tensor([0.1, 0.8, 0.2]), torch.tensor([0.9, 0.1, 0.1])
    covered = render_mesh(unwrapped, cameras, lighting=FLAT_LIGHTING).rgba[..., 3:]
    drawn, given = (
        Pictures(torch.cat([covered * colour, covered], -1), cameras) for colour in (green, red)
    )
    front = Pictures(given.rgba[:1], cameras[0])

    mesh = baked(unwrapped, painted_ball(), drawn, BakeOptions(256), front)

    seen = render_mesh(mesh, cameras[:2], lighting=FLAT_LIGHTING).rgba[:, 32, 32, :3]
    # the field weighs a twentieth of a picture that sees a point head-on
    assert float((seen[0] - red).abs().max()) < 0.04
    assert float((seen[1] - green).abs().max()) < 0.04
