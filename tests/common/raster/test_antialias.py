import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from common.cameras import orbit_cameras
from common.errors import InputError
from common.raster.antialias import antialias
from common.raster.rasterize import rasterize
from common.raster.topology import face_neighbours
from tests.common.raster.scenes import front, pixel_camera, sphere, square, triangle_soup
from tests.reference import raster_torch

F64 = torch.float64


def alpha(vertices, faces, cameras):
    """The antialiased silhouette, ``v h w``."""
    fragments = rasterize(vertices, faces, cameras)
    mask = fragments.covered[..., None].to(vertices.dtype)
    return antialias(mask, vertices, faces, cameras, fragments)[..., 0]


def rectangle(left, bottom, right, top):
    corners = [[left, bottom, 0.0], [right, bottom, 0], [right, top, 0], [left, top, 0]]
    return torch.tensor(corners, dtype=F64), torch.tensor([[0, 1, 2], [0, 2, 3]])


@settings(max_examples=30)
@given(
    *[st.floats(k + 0.01, k + 0.49) for k in (3, 4)],
    *[st.floats(k + 0.51, k + 0.99) for k in (10, 9)],
)
def test_axis_aligned_rectangle_has_its_exact_coverage(left, bottom, right, top):
    vertices, faces = rectangle(left, bottom, right, top)
    shown = alpha(vertices, faces, pixel_camera(16, 16))[0]

    def overlap(low, high):
        edges = torch.arange(16, dtype=F64)
        return ((edges + 1).clamp(max=high) - edges.clamp(min=low)).clamp(0, 1)

    expected = overlap(16 - top, 16 - bottom)[:, None] * overlap(left, right)
    # Exact along the sides and, as rows are blended before columns, at corners whose pixel centre
    # is inside. (A corner pixel whose centre is outside sees nothing and gets nothing.)
    torch.testing.assert_close(shown, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("slope", [0.0, 0.15, 0.4, 0.9])
@pytest.mark.parametrize("turned", [False, True])
def test_half_plane_has_its_exact_area(slope, turned):
    # an edge x = 8.3 + slope (y - 8) through the whole picture: the sum over each row is exact
    corners = torch.tensor(
        [[8.3 - slope * 58, -50.0, 0], [8.3 + slope * 58, 66, 0], [-300, 66, 0], [-300, -50, 0]],
        dtype=F64,
    )
    if turned:
        corners = corners[:, [1, 0, 2]].flip(0)
    shown = alpha(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]), pixel_camera(16, 16))[0]
    sums = shown.sum(0).flip(0) if turned else shown.sum(1)
    rows = 15.5 - torch.arange(16, dtype=F64)
    expected = 8.3 + slope * ((rows if not turned else rows.flip(0)) - 8)
    if turned:
        expected = 8.3 + slope * (torch.arange(16, dtype=F64) + 0.5 - 8)
        sums = shown.sum(0)
    inside = (expected > 1) & (expected < 15)
    assert int(inside.sum()) >= 12
    torch.testing.assert_close(sums[inside], expected[inside], rtol=0, atol=1e-9)


def test_sphere_silhouette_area_is_ten_times_closer_than_sampling():
    vertices, faces = sphere(5)
    errors = {"hard": [], "smooth": []}
    for azimuth in range(0, 90, 9):
        camera = orbit_cameras(float(azimuth), 3.0 * azimuth / 10, 3.0, 50.0, 48, 48, dtype=F64)
        exact = math.pi * float(camera.intrinsics[0, 1, 1]) ** 2 / 8
        hard = float(rasterize(vertices, faces, camera).covered.sum())
        smooth = float(alpha(vertices, faces, camera).sum())
        errors["hard"].append(abs(hard - exact) / exact)
        errors["smooth"].append(abs(smooth - exact) / exact)
    assert np.mean(errors["smooth"]) < 0.002


@pytest.mark.parametrize("seed", range(4))
def test_values_and_gradients_equal_the_twin(seed):
    vertices, faces = triangle_soup(seed, 10)
    cameras = orbit_cameras([15.0, 130.0], 20.0, 3.0, 45.0, 18, 20, dtype=F64)
    rng = np.random.default_rng(seed)
    fragments = rasterize(vertices, faces, cameras)
    color = torch.from_numpy(rng.uniform(0, 1, (*fragments.face_index.shape, 3)))
    weights = torch.from_numpy(rng.standard_normal(color.shape))
    results = []
    for twin in (False, True):
        c, points = color.clone().requires_grad_(), vertices.clone().requires_grad_()
        if twin:
            value = raster_torch.antialias(
                c, points, faces, cameras, fragments.face_index, fragments.depth
            )
        else:
            value = antialias(
                c, points, faces, cameras, fragments, neighbours=face_neighbours(faces)
            )
        (value * weights).sum().backward()
        results.append((value.detach(), c.grad, points.grad))
    assert bool((results[0][0] != color).any())
    for ours, twins in zip(*results, strict=True):
        scale = float(twins.abs().max())
        torch.testing.assert_close(ours, twins, rtol=1e-4, atol=1e-6 * scale)


def test_gradcheck_in_colours_and_vertices():
    vertices, faces = triangle_soup(3, 4)
    camera = front(10)
    fragments = rasterize(vertices, faces, camera)
    color = torch.rand(*fragments.face_index.shape, 2, dtype=F64,
                       generator=torch.Generator().manual_seed(1))  # fmt: skip

    def blend(c, points):
        return antialias(c, points, faces, camera, fragments)

    inputs = (color.requires_grad_(), vertices.requires_grad_())
    assert torch.autograd.gradcheck(blend, inputs, eps=1e-7, atol=1e-5)


def test_gradient_of_an_area_is_its_edge_length():
    # Moving the right side of a rectangle by dx changes its area by height * dx.
    vertices, faces = rectangle(3.3, 4.2, 10.6, 11.7)
    vertices.requires_grad_()
    alpha(vertices, faces, pixel_camera(16, 16)).sum().backward()
    right = float(vertices.grad[[1, 2], 0].sum())
    top = float(vertices.grad[[2, 3], 1].sum())
    assert right == pytest.approx(11.7 - 4.2, abs=1e-9)
    assert top == pytest.approx(10.6 - 3.3, abs=1e-9)


def test_gradient_equals_finite_differences_at_silhouettes():
    # The whole renderer, coverage changes included: a central difference over a step in which many
    # pixels change their triangle. The antialiased area is continuous, so both agree.
    vertices, faces = sphere(3)
    camera = orbit_cameras(25.0, 10.0, 3.0, 50.0, 64, 64, dtype=F64)
    rng = np.random.default_rng(0)
    wave = torch.from_numpy(rng.standard_normal(3))
    direction = vertices * (1 + 0.3 * (vertices @ wave).sin()[:, None])
    points = vertices.clone().requires_grad_()
    alpha(points, faces, camera).sum().backward()
    step = 0.02  # about a pixel
    areas = [float(alpha(vertices + s * direction, faces, camera).sum()) for s in (-step, step)]
    slope = (areas[1] - areas[0]) / (2 * step)
    assert float((points.grad * direction).sum()) == pytest.approx(slope, rel=0.03)


@settings(max_examples=20)
@given(st.integers(0, 500))
def test_values_stay_within_the_colours(seed):
    vertices, faces = triangle_soup(seed, 60, size=0.08)
    shown = alpha(vertices, faces, front(24))
    assert float(shown.min()) >= 0
    assert float(shown.max()) <= 1 + 1e-12


def test_interior_edges_are_left_alone():
    vertices, faces = square()
    camera = orbit_cameras(0.0, 0.0, 1.0, 60.0, 20, 20, dtype=F64)  # fills the picture
    fragments = rasterize(vertices, faces, camera)
    assert bool(fragments.covered.all())
    color = torch.rand(1, 20, 20, 3, dtype=F64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(antialias(color, vertices, faces, camera, fragments), color)


def test_seams_between_duplicated_vertices_are_left_alone():
    vertices, faces = square()
    split, corners = vertices[faces.flatten()], torch.arange(6).view(2, 3)
    camera = orbit_cameras(0.0, 0.0, 1.0, 60.0, 20, 20, dtype=F64)
    fragments = rasterize(split, corners, camera)
    color = torch.rand(1, 20, 20, 3, dtype=F64, generator=torch.Generator().manual_seed(0))
    assert torch.equal(antialias(color, split, corners, camera, fragments), color)
    unwelded = face_neighbours(corners)
    assert not torch.equal(
        antialias(color, split, corners, camera, fragments, neighbours=unwelded), color
    )


def test_mesh_around_the_camera_plane_is_finite():
    vertices, faces = sphere(2)
    vertices = vertices.requires_grad_()
    camera = orbit_cameras(0.0, 0.0, 0.5, 100.0, 30, 30, dtype=F64)
    culled = rasterize(vertices, faces[: len(faces) // 2], camera)
    mask = culled.covered[..., None].to(F64)
    shown = antialias(mask, vertices, faces[: len(faces) // 2], camera, culled)
    shown.sum().backward()
    assert bool(vertices.grad.isfinite().all())
    assert float(vertices.grad.abs().sum()) > 0


def test_descent_on_a_picture_finds_the_position_and_size():
    # 60 steps of gradient descent on the silhouette alone recover a moved and scaled sphere.
    vertices, faces = sphere(2)
    camera = orbit_cameras(0.0, 0.0, 4.0, 50.0, 48, 48, dtype=F64)
    target = alpha(1.2 * vertices + torch.tensor([0.25, -0.2, 0.0]), faces, camera)
    guess = torch.tensor([0.0, 0.0, 1.0], dtype=F64, requires_grad=True)
    optimizer = torch.optim.Adam([guess], lr=0.02)
    zero = torch.zeros(1, dtype=F64)
    for _ in range(60):
        optimizer.zero_grad()
        offset = torch.cat([guess[:2], zero])
        loss = (alpha(guess[2] * vertices + offset, faces, camera) - target).square().sum()
        loss.backward()
        optimizer.step()
    assert guess.tolist() == pytest.approx([0.25, -0.2, 1.2], abs=0.02)


def test_pictures_and_neighbours_must_fit():
    vertices, faces = square()
    camera = front(12)
    fragments = rasterize(vertices, faces, camera)
    with pytest.raises(InputError, match=r"\(1, 5, 5\) views and pixels"):
        antialias(torch.zeros(1, 5, 5, 1, dtype=F64), vertices, faces, camera, fragments)
    color = torch.zeros(*fragments.face_index.shape, 1, dtype=F64)
    with pytest.raises((InputError, TypeCheckError), match="neighbours"):
        antialias(color, vertices, faces, camera, fragments, neighbours=face_neighbours(faces[:1]))
