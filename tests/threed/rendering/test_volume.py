import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.cameras import orbit_cameras, rays
from common.errors import InputError
from tests.reference import volume_rays
from tests.threed.scenes.test_voxel_field import random_field
from threed.rendering.volume import March, march_rays, node_normals, render
from threed.scenes.voxel_field import (
    EMPTY_RAW,
    VoxelField,
    colour_of,
    node_positions,
    occupied_cells,
    raw_of_colour,
    raw_of_density,
    uniform_field,
)

F64 = torch.float64
ALL = March(min_transmittance=0.0)


def ball(resolution, radius=0.4, density=400.0, dtype=F64):
    field = uniform_field((resolution,) * 3, dtype=dtype)
    inside = radius - node_positions(field).norm(dim=-1)
    # raw density falls from full to nothing within two cells: a surface that thick
    share = (inside / field.cell_m[0]).clamp(-1, 1) / 2 + 0.5
    return VoxelField(EMPTY_RAW + share * (raw_of_density(density) - EMPTY_RAW), field.colour)


def all_cells(field):
    return torch.ones([n - 1 for n in field.density.shape], dtype=torch.bool)


# ------------------------------------------------------------------------- closed form


def test_uniform_slab_lets_light_through_by_beer_and_lambert():
    density = 1.7
    field = uniform_field((5, 5, 5), raw_of_density(density), dtype=F64)
    camera = orbit_cameras(30.0, 20.0, 3.0, 25.0, 9, 9, dtype=F64)
    seen = render(field, camera, march=ALL, occupied=all_cells(field))
    origins, directions = rays(camera)
    low, high = torch.tensor(field.low, dtype=F64), torch.tensor(field.high, dtype=F64)
    for row in range(9):
        for column in range(9):
            near, far = volume_rays.box_span(
                origins[0, row, column], directions[0, row, column], low, high, math.inf
            )
            # one density: the quadrature is exact whatever the step
            expected = 1 - math.exp(-density * max(far - near, 0.0))
            assert float(seen.opacity[0, row, column]) == pytest.approx(expected, abs=1e-12)


def test_depth_of_an_exponential_medium_converges_to_its_mean():
    # along the axis: mean of t under density e^{-s t}, cut at the box's far face
    density, side, distance = 3.0, 1.2, 3.0
    field = uniform_field((3, 3, 3), raw_of_density(density), dtype=F64)
    camera = orbit_cameras(0.0, 0.0, distance, 25.0, 1, 1, dtype=F64)
    errors = []
    for step in (0.1, 0.05):
        march = March(step_cells=step, min_transmittance=0.0)
        depth = float(render(field, camera, march=march).depth)
        passed = math.exp(-density * side)
        mean = 1 / density - side * passed / (1 - passed)
        errors.append(abs(depth - (distance - side / 2 + mean)))
    assert errors[1] < 3e-3
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.1)  # second order in the step


def test_dense_ball_has_the_disc_depth_and_normals_of_a_sphere():
    radius, distance, size = 0.4, 3.0, 65
    field = ball(97, radius)
    camera = orbit_cameras(0.0, 0.0, distance, 25.0, size, size, dtype=F64)
    seen = render(field, camera, with_normals=True)
    middle = size // 2
    cell = field.cell_m[0]
    assert float(seen.depth[0, middle, middle]) == pytest.approx(distance - radius, abs=cell)
    # the surface is two cells thick, and what lies behind it counts a little
    normal = seen.normal[0, middle, middle]
    assert float(normal[2]) > 0.95
    assert float(normal[:2].abs().max()) < 1e-6
    # solid angle: the disc's radius on the picture is f tan(asin(r / d))
    focal = float(camera.intrinsics[0, 0, 0])
    expected = math.pi * (focal * math.tan(math.asin(radius / distance))) ** 2
    assert float(seen.opacity.sum()) == pytest.approx(expected, rel=0.02)


def test_uniform_colour_is_seen_times_the_opacity():
    field = random_field(0)
    colour = raw_of_colour(torch.tensor([0.2, 0.5, 0.9], dtype=F64)).expand_as(field.colour)
    field = VoxelField(field.density, colour, field.low, field.high)
    seen = render(field, orbit_cameras([0.0, 70.0], 10.0, 2.0, 30.0, 7, 8, dtype=F64))
    assert seen.rgb.shape == (2, 7, 8, 3)
    straight = seen.opacity[..., None] * torch.tensor([0.2, 0.5, 0.9], dtype=F64)
    torch.testing.assert_close(seen.rgb, straight)
    torch.testing.assert_close(seen.rgba, torch.cat([straight, seen.opacity[..., None]], -1))


def test_short_reach_ends_the_rays():
    field = uniform_field((3, 3, 3), raw_of_density(5.0), dtype=F64)
    inside = torch.zeros(1, 3, dtype=F64)
    along = torch.tensor([[0.0, 0.0, 1.0]], dtype=F64)
    march = March(reach_m=0.03, min_transmittance=0.0)
    totals = march_rays(field, colour_of(field.colour), inside, along, march=march)
    assert float(totals.opacity) == pytest.approx(1 - math.exp(-5.0 * 0.03), abs=1e-12)


# ------------------------------------------------------------------------- against the twin


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.floats(0.2, 1.5), st.sampled_from([0.0, 0.3]))
def test_values_and_gradients_equal_the_twin(seed, step_cells, dark):
    field = random_field(seed)
    camera = orbit_cameras([seed % 360, 90.0], [20.0, -90.0], 1.5, 25.0, 3, 3, dtype=F64)
    origins, directions = (one.reshape(-1, 3) for one in rays(camera))
    generator = torch.Generator().manual_seed(seed)
    offsets = torch.rand(len(origins), generator=generator, dtype=F64)
    occupied = torch.rand(3, 4, 5, generator=generator) < 0.8
    results = []
    for kind in ("ours", "twin"):
        density, features = field.density.clone(), torch.sigmoid(field.colour)
        density.requires_grad_()
        features.requires_grad_()
        live = VoxelField(density, field.colour, field.low, field.high)
        if kind == "ours":
            march = March(step_cells, dark)
            totals = march_rays(
                live, features, origins, directions, march=march, occupied=occupied, offsets=offsets
            )
            values = (totals.features, totals.opacity, totals.distance)
        else:
            step_m = step_cells * min(field.cell_m)
            values = volume_rays.march(
                live, features, origins, directions, occupied, offsets, step_m, dark
            )
        flat = torch.cat([values[0].reshape(-1), values[1], values[2]])
        (flat * torch.linspace(-1, 2, len(flat), dtype=F64)).sum().backward()
        results.append((flat.detach(), density.grad, features.grad))
    for ours, twins in zip(*results, strict=True):
        # sums of a few dozen float64 terms in another order
        torch.testing.assert_close(ours, twins, rtol=1e-9, atol=1e-10)


def test_gradients_pass_gradcheck():
    field = random_field(5, (3, 3, 4))
    camera = orbit_cameras(35.0, 25.0, 1.5, 25.0, 3, 3, dtype=F64)

    def pictures(density, colour):
        live = VoxelField(density, colour, field.low, field.high)
        seen = render(live, camera, march=ALL, occupied=all_cells(live), with_normals=True)
        return seen.rgb, seen.opacity, seen.depth, seen.normal

    inputs = (field.density.requires_grad_(), field.colour.requires_grad_())
    assert torch.autograd.gradcheck(pictures, inputs)


# ------------------------------------------------------------------------- properties


def test_skipping_empty_cells_changes_next_to_nothing():
    field = ball(33)
    camera = orbit_cameras(10.0, 10.0, 3.0, 25.0, 24, 24, dtype=F64)
    full = render(field, camera, march=ALL, occupied=all_cells(field))
    fast = render(field, camera)
    assert 0 < int(occupied_cells(field).sum()) < 0.4 * 32**3
    # empty space hides 0.2 % of the light in a metre; the box is 1.2 to 2.1 m long
    torch.testing.assert_close(fast.rgba, full.rgba, rtol=0, atol=5e-3)


def test_values_and_gradients_do_not_depend_on_threads():
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        field = ball(20, dtype=torch.float32)
        live = VoxelField(field.density.requires_grad_(), field.colour.requires_grad_())
        generator = torch.Generator().manual_seed(3)
        camera = orbit_cameras([0.0, 50.0], 10.0, 3.0, 25.0, 40, 40)
        seen = render(live, camera, generator=generator)
        (seen.rgba**2).sum().backward()
        results.append((seen.rgba.detach(), live.density.grad, live.colour.grad))
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


def test_the_generator_jitters_and_repeats():
    field, camera = ball(16), orbit_cameras(0.0, 0.0, 3.0, 25.0, 16, 16, dtype=F64)
    draws = [
        render(field, camera, generator=torch.Generator().manual_seed(seed)).rgba
        for seed in (1, 1, 2)
    ]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    torch.testing.assert_close(draws[0].mean(), draws[2].mean(), rtol=0.01, atol=0)


def test_rays_that_miss_see_nothing():
    field = uniform_field((3, 3, 3), 5.0, dtype=F64)
    seen = render(field, orbit_cameras(0.0, 0.0, 0.7, 1.0, 2, 2, target=(9.0, 0.0, 0.0), dtype=F64))
    assert seen.opacity.abs().max() == 0
    assert seen.depth.abs().max() == 0


def test_nodes_point_out_of_a_ball():
    field = ball(21)
    points = node_positions(field)
    radius = points.norm(dim=-1)
    shell = (radius > 0.37) & (radius < 0.43)
    outward = (node_normals(field) * points / radius.clamp_min(1e-9)[..., None]).sum(-1)
    assert float(outward[shell].min()) > 0.9


def test_wrong_requests_are_refused():
    field = random_field(0)
    camera = orbit_cameras(0.0, 0.0, 2.0, 25.0, 4, 4)
    with pytest.raises(InputError, match="float32 or float64 alike"):
        render(field, camera)
    with pytest.raises(InputError, match=r"features for \(2, 2, 2\) nodes"):
        march_rays(
            field, torch.zeros(2, 2, 2, 1, dtype=F64), torch.zeros(1, 3, dtype=F64),
            torch.ones(1, 3, dtype=F64),
        )  # fmt: skip


def test_depth_variance_is_that_of_two_sheets_that_a_ray_sees():
    """Two thin layers across the rays: ``p (1 - p) d^2`` with ``p`` the share of the nearer."""
    field = uniform_field((5, 5, 121))
    density = torch.full_like(field.density, -10.0)
    density[..., 90] = -1.0
    density[..., 40] = 6.0
    sheets = VoxelField(density.double(), field.colour.double(), field.low, field.high)
    camera = orbit_cameras([0.0], [0.0], 8.0, 2.0, 4, 4)
    seen = render(sheets, camera.to(torch.float64), with_variance=True,
                  march=March(step_cells=0.1))  # fmt: skip
    apart = 1.2 * 50 / 120
    near = 8.0 - (-0.6 + 1.2 * 90 / 120)
    share = (seen.depth[0, 2, 2] - near) / apart  # of the farther
    assert 0.05 < float(share) < 0.95
    # sheets are triangles of two cells
    expected = share * (1 - share) * apart**2
    torch.testing.assert_close(seen.depth_variance[0, 2, 2], expected, rtol=0.02, atol=1e-4)
    assert seen.normal is None
    assert seen.facing is None


def test_gradient_of_depth_variance_brings_what_is_behind_nearer():
    field = random_field(0)
    density = field.density.clone().requires_grad_()
    cameras = orbit_cameras([20.0], [10.0], 4.0, 25.0, 3, 3).to(torch.float64)

    def value(density):
        one = VoxelField(density, field.colour, field.low, field.high)
        return render(one, cameras, with_variance=True).depth_variance.sum()

    assert torch.autograd.gradcheck(value, density, atol=1e-6, rtol=1e-4)


def test_facing_is_positive_on_what_looks_at_the_camera():
    points = node_positions(uniform_field((25, 25, 25)))
    grid = uniform_field((25, 25, 25))
    ball = VoxelField(60 * (0.4 - points.norm(dim=-1)), grid.colour, grid.low, grid.high)
    seen = render(ball, orbit_cameras([0.0], [0.0], 4.0, 25.0, 16, 16), with_normals=True)
    middle = seen.facing[0, 6:10, 6:10]
    assert float(middle.min()) > 0.8
    assert float(seen.facing.min()) > -0.05
