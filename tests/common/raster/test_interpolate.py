import numpy as np
import pytest
import torch

from common.errors import InputError
from common.raster.interpolate import interpolate
from common.raster.rasterize import Fragments, rasterize
from tests.common.raster.scenes import front, sphere, triangle_soup
from tests.reference import raster_torch

F64 = torch.float64


def scene(dtype=F64, channels=3):
    vertices, faces = triangle_soup(11, 25, dtype)
    rng = np.random.default_rng(0)
    attributes = torch.from_numpy(rng.standard_normal((len(vertices), channels))).to(dtype)
    return vertices, faces, attributes


def test_positions_interpolate_to_the_points_seen():
    vertices, faces, _ = scene()
    camera = front(40)
    fragments = rasterize(vertices, faces, camera)
    points = interpolate(vertices, faces, fragments)[fragments.covered]
    seen = points @ camera.w2c[0, :3, :3].T + camera.w2c[0, :3, 3]
    torch.testing.assert_close(seen[:, 2], fragments.depth[fragments.covered], rtol=1e-12, atol=0)
    pixels = (seen / seen[:, 2:]) @ camera.intrinsics[0].T
    _, rows, columns = fragments.covered.nonzero(as_tuple=True)
    # snapping lets a centre lie 1/4096 pixel outside its triangle; it is then clamped to its edge
    expected = torch.stack([columns + 0.5, rows + 0.5], -1).to(F64)
    torch.testing.assert_close(pixels[:, :2], expected, rtol=0, atol=2 / 4096)


def test_empty_pixels_are_zero():
    vertices, faces, attributes = scene()
    fragments = rasterize(vertices, faces, front(40))
    assert not bool(interpolate(attributes, faces, fragments)[~fragments.covered].any())
    assert bool((~fragments.covered).any())


@pytest.mark.parametrize("channels", [1, 4, 7])
def test_values_and_gradients_equal_the_twin(channels):
    vertices, faces, attributes = scene(channels=channels)
    cameras = front(30)
    fragments = rasterize(vertices, faces, cameras)
    grads, values = [], []
    for draw in (interpolate, None):
        a, b = attributes.clone().requires_grad_(), fragments.barycentric.clone().requires_grad_()
        if draw is interpolate:
            value = interpolate(a, faces, Fragments(fragments.face_index, b, fragments.depth))
        else:
            value = raster_torch.interpolate(a, faces, fragments.face_index, b)
        weights = torch.from_numpy(np.random.default_rng(2).standard_normal(value.shape))
        (value * weights).sum().backward()
        values.append(value.detach())
        grads.append((a.grad, b.grad))
    torch.testing.assert_close(*values, rtol=1e-12, atol=1e-12)
    for ours, twins in zip(*grads, strict=True):
        torch.testing.assert_close(ours, twins, rtol=1e-10, atol=1e-12)


def test_gradcheck_through_vertices_and_attributes():
    vertices, faces, attributes = scene()
    camera = front(8)

    def draw(points, values):
        return interpolate(values, faces, rasterize(points, faces, camera))

    inputs = (vertices.requires_grad_(), attributes.requires_grad_())
    assert torch.autograd.gradcheck(draw, inputs, eps=1e-7, atol=1e-5)


def test_other_corners_of_the_same_triangles_are_used():
    vertices, faces = sphere(1)
    fragments = rasterize(vertices, faces, front(24))
    flat = torch.arange(len(faces), dtype=F64)[:, None]
    corners = torch.arange(len(faces))[:, None].expand(-1, 3)
    values = interpolate(flat, corners, fragments)[..., 0]
    expected = fragments.face_index.clamp_min(0).to(F64)
    torch.testing.assert_close(values, expected, rtol=1e-12, atol=0)


def test_what_does_not_fit_is_refused():
    vertices, faces, attributes = scene()
    fragments = rasterize(vertices, faces, front(16))
    with pytest.raises(InputError, match="attribute 74, but there are 10"):
        interpolate(attributes[:10], faces, fragments)
    with pytest.raises(InputError, match="only 2"):
        interpolate(attributes, faces[:2], fragments)
    with pytest.raises(InputError, match="float32, fragments"):
        interpolate(attributes.float(), faces, fragments)
