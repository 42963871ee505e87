"""Signed distances: VolSDF's density, its raw value, distances of fields, a ball from views."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import laplace

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from threed.meshing.surface import extract_surface
from threed.optimise.live_sdf import LiveSdf
from threed.rendering.volume import render
from threed.scenes.blob import ball_density
from threed.scenes.scene_config import Blob, Sdf, ShapeLosses
from threed.scenes.scene_start import SceneStart
from threed.scenes.sdf_field import (
    SdfField,
    ball_sdf,
    eikonal,
    raw_sdf_density,
    sdf_as_solid,
    sdf_as_voxels,
    sdf_density,
    sdf_of,
    surface_raw,
)
from threed.scenes.voxel_field import VoxelField, density_of, node_positions, uniform_field

BLUR = 0.01


@given(st.floats(-2, 2), st.floats(0.002, 0.5))
def test_density_is_laplaces_distribution_function(distance, blur):
    """Equations 2 and 3 of VolSDF, against SciPy's distribution."""
    found = sdf_density(torch.tensor(distance, dtype=torch.float64), blur)
    assert float(found) == pytest.approx(laplace.cdf(-distance, scale=blur) / blur, rel=1e-9)


@given(st.floats(-2, 2), st.floats(0.002, 0.5))
def test_raw_density_is_what_the_activation_undoes(distance, blur):
    here = torch.tensor(distance, dtype=torch.float64)
    wanted = sdf_density(here, blur)
    # where the density is below 1e-9 of the most, only its logarithm says anything
    found = density_of(raw_sdf_density(here, blur))
    assert float(found) == pytest.approx(float(wanted), rel=1e-6, abs=1e-9 / blur)


def test_raw_density_has_finite_values_and_gradients_everywhere():
    distance = torch.linspace(-1.5, 1.5, 301, requires_grad=True)
    raw = raw_sdf_density(distance, BLUR)
    raw.sum().backward()
    assert bool(torch.isfinite(raw).all())
    assert bool(torch.isfinite(distance.grad).all())
    assert bool((distance.grad <= 0).all()), "further out is never denser"
    outside = raw.detach()[distance.detach() > 0.05]
    # linear outside, but for d / 2 of the density d: e^-5 / 2 of a step of 1
    assert float((outside[2:] - 2 * outside[1:-1] + outside[:-2]).abs().max()) < 2e-3


def test_eikonal_is_nothing_for_a_distance_and_one_for_none():
    ball = ball_sdf(32, 0.35)
    # only the cells about the middle, where a distance has no gradient
    assert float(eikonal(ball)) < 2e-3
    flat = SdfField(torch.zeros(9, 9, 9), torch.zeros(9, 9, 9, 3))
    assert float(eikonal(flat)) == pytest.approx(1.0, abs=1e-5)
    places = node_positions(uniform_field((9, 9, 9)))
    tilted = SdfField(places @ torch.tensor([2.0, 0.0, 0.0]), torch.zeros(9, 9, 9, 3))
    assert float(eikonal(tilted)) == pytest.approx(1.0, abs=1e-4), "(2 - 1)^2"


def test_gradients_of_the_eikonal_term_are_right():
    generator = torch.Generator().manual_seed(0)
    distance = torch.randn(4, 4, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    colour = torch.zeros(4, 4, 4, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: eikonal(SdfField(s, colour)), (distance,))


def test_distances_of_a_field_are_those_of_its_surface():
    """Of the soft ball, whose raw density is 0 at its radius and not linear in the distance."""
    grid = uniform_field((33, 33, 33))
    soft = VoxelField(ball_density(node_positions(grid), 0.3), grid.colour, grid.low, grid.high)
    found, true = sdf_of(soft).distance, ball_sdf(32, 0.3).distance
    off = (found - true).abs()
    near = true.abs() < 0.05
    assert float(off[near].max()) < 0.15 * soft.cell_m[0]
    # elsewhere the nearest crossing may be beside the nearest point
    assert float(off.max()) < 0.5 * soft.cell_m[0]
    assert torch.equal(found > 0, true > 0)


def test_field_without_a_surface_is_far_from_one():
    empty = uniform_field((9, 9, 9))
    assert torch.allclose(sdf_of(empty).distance, torch.tensor(1.2))


def radii(field: VoxelField, centre=(0.0, 0.0, 0.0)) -> np.ndarray:
    mesh = extract_surface(field, surface_raw(BLUR))
    return (mesh.vertices.double() - torch.tensor(centre, dtype=torch.float64)).norm(dim=1).numpy()


def test_surface_is_where_the_distance_is_nothing():
    found = radii(sdf_as_solid(ball_sdf(48, 0.35), BLUR))
    # the blur of 18 mm takes d^2 / r = 0.9 mm off a ball, chords and smoothing some more
    assert np.abs(found - 0.35).max() < 0.003


def test_solid_is_what_rays_see_outside():
    ball = ball_sdf(16, 0.3)
    solid, seen = sdf_as_solid(ball, BLUR), sdf_as_voxels(ball, BLUR)
    outside = ball.distance > 0.05
    assert torch.allclose(solid.density[outside], seen.density[outside], rtol=0.02, atol=0.7)


def test_ball_is_found_from_views():
    """A true ball beside the middle, from six pictures, starting from a smaller one."""
    torch.set_num_threads(1)
    centre = torch.tensor([0.06, -0.04, 0.03])
    grid = uniform_field((33, 33, 33))
    true = SdfField((node_positions(grid) - centre).norm(dim=-1) - 0.33, grid.colour + 2.0)
    cameras = cameras_on_orbit([View(60.0 * i, (-10.0, 30.0)[i % 2]) for i in range(6)], 48)
    wanted = render(sdf_as_voxels(true, BLUR), cameras).rgba
    options = Sdf(
        num_cells=32, distance_rate=0.01, rate=0.1, blur_m=0.05, final_blur_m=BLUR,
        start=Blob(radius_m=0.25), losses=ShapeLosses(), eikonal=0.01,
    )  # fmt: skip
    live = LiveSdf(options, 80)
    generator = torch.Generator().manual_seed(0)
    for step in range(1, 81):
        seen = live.render(cameras, generator)
        terms = live.terms(seen, step / 80)
        loss = (seen.rgba - wanted).square().mean() + torch.stack(list(terms.values())).sum()
        live.descend(loss, step, generator)
    found = radii(live.field(), tuple(centre.tolist()))
    cell = live.field().cell_m[0]
    assert abs(float(np.median(found)) - 0.33) < 0.2 * cell
    assert float(np.quantile(np.abs(found - 0.33), 0.9)) < 0.6 * cell


def test_scene_begins_as_a_fields_surface():
    blur = 0.5 / (50 * np.log(2))  # with which raw density is 0 where the distance is
    assert surface_raw(blur) == pytest.approx(0.0, abs=1e-9)
    start = SceneStart(sdf_as_voxels(ball_sdf(32, 0.3), blur))
    live = LiveSdf(Sdf(num_cells=32), 10, start=start)
    assert float((live.state()["distance"] - ball_sdf(32, 0.3).distance).abs().median()) < 0.006


def test_blur_falls_to_its_last_and_no_further():
    live = LiveSdf(Sdf(num_cells=8, blur_m=0.08, final_blur_m=0.02), 5)
    blurs = []
    for step in range(1, 7):
        blurs.append(live.blur_m)
        live._done = step
    assert blurs[0] == 0.08
    assert blurs[4] == pytest.approx(0.02)
    assert blurs[5] == blurs[4]
    with pytest.raises(ValueError, match="is above blur_m"):
        Sdf(blur_m=0.01, final_blur_m=0.02)
