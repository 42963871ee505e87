import numpy as np
import pytest
import torch
from einops import rearrange
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from common.raster.interpolate import interpolate
from common.raster.rasterize import rasterize
from common.raster.texture import mip_level, sample_texture, texture_pyramid, uv_jacobian
from tests.common.raster.scenes import front, pixel_camera, triangle_soup
from tests.reference import raster_torch

F64 = torch.float64


def random_lookup(seed, height=7, width=5, channels=3, pixels=40, spread=2.0):
    rng = np.random.default_rng(seed)
    texture = torch.from_numpy(rng.uniform(0, 1, (height, width, channels)))
    uv = torch.from_numpy(rng.uniform(-spread, spread, (pixels, 2)))
    return texture, uv


def test_texel_centres_return_their_texels():
    texture, _ = random_lookup(0)
    rows, columns = torch.meshgrid(torch.arange(7), torch.arange(5), indexing="ij")
    rows, columns = rows.to(F64) + 0.5, columns.to(F64) + 0.5
    uv = torch.stack([columns / 5, 1 - rows / 7], -1)
    for wrap in ("repeat", "clamp"):
        torch.testing.assert_close(sample_texture(texture, uv, wrap=wrap), texture)


def test_v_points_up():
    texture = torch.zeros(8, 8, 1)
    texture[0] = 1  # the top row of the picture
    uv = torch.tensor([[0.5, 0.99], [0.5, 0.01]])
    assert sample_texture(texture, uv, wrap="clamp")[:, 0].tolist() == [1, 0]


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.sampled_from(["repeat", "clamp"]))
def test_values_and_gradients_equal_the_twin(seed, wrap):
    texture, uv = random_lookup(seed)
    results = []
    for sample in (lambda t, x: sample_texture(t, x, wrap=wrap),
                   lambda t, x: raster_torch.sample(t, x, wrap)):  # fmt: skip
        t, x = texture.clone().requires_grad_(), uv.clone().requires_grad_()
        value = sample(t, x)
        (value * torch.linspace(-1, 2, value.numel(), dtype=F64).view_as(value)).sum().backward()
        results.append((value.detach(), t.grad, x.grad))
    for ours, twins in zip(*results, strict=True):
        torch.testing.assert_close(ours, twins, rtol=1e-9, atol=1e-10)


def test_clamped_lookup_equals_grid_sample():
    texture, uv = random_lookup(3, 9, 13, spread=1.3)
    grid = torch.stack([2 * uv[:, 0] - 1, 1 - 2 * uv[:, 1]], -1)
    expected = torch.nn.functional.grid_sample(
        rearrange(texture, "h w c -> 1 c h w"), rearrange(grid, "p xy -> 1 1 p xy"),
        mode="bilinear", padding_mode="border", align_corners=False,
    )  # fmt: skip
    ours = sample_texture(texture, uv, wrap="clamp")
    torch.testing.assert_close(ours, rearrange(expected, "1 c 1 p -> p c"), rtol=1e-12, atol=1e-12)


def test_repeat_is_periodic():
    texture, uv = random_lookup(4)
    shifted = sample_texture(texture, uv + torch.tensor([3.0, -7.0], dtype=F64))
    torch.testing.assert_close(shifted, sample_texture(texture, uv), rtol=0, atol=1e-12)


@pytest.mark.parametrize("value", [-1e-17, 1.0, -1e-9, 1e6, -1e6])
def test_repeat_stays_inside_the_texture_at_its_seam(value):
    texture = torch.rand(3, 3, 1, generator=torch.Generator().manual_seed(0), dtype=F64)
    uv = torch.full((1, 2), value, dtype=F64)
    inside = sample_texture(texture, uv)
    assert float(texture.min()) <= float(inside) <= float(texture.max())


def test_gradcheck_of_trilinear_lookup():
    texture, uv = random_lookup(5, 6, 9, pixels=12)
    level = torch.linspace(0.1, 2.7, 12, dtype=F64)

    def sample(t, x, lod):
        return sample_texture(texture_pyramid(t), x, level=lod)

    inputs = [one.requires_grad_() for one in (texture, uv, level)]
    assert torch.autograd.gradcheck(sample, inputs, eps=1e-7, atol=1e-6)


def test_pyramid_halves_and_keeps_the_mean():
    texture, _ = random_lookup(6, 16, 8)
    pyramid = texture_pyramid(texture)
    assert pyramid.sizes == ((16, 8), (8, 4), (4, 2), (2, 1), (1, 1))
    for i in range(5):
        torch.testing.assert_close(pyramid.level(i).mean((0, 1)), texture.mean((0, 1)))
    assert torch.equal(pyramid.level(0), texture)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (3, 100)])
def test_pyramid_of_any_size_ends_at_one_texel(height, width):
    pyramid = texture_pyramid(torch.full((height, width, 2), 0.3))
    assert pyramid.sizes[-1] == (1, 1)
    torch.testing.assert_close(pyramid.texels, torch.full_like(pyramid.texels, 0.3))


def test_level_chooses_and_blends_levels():
    texture, _ = random_lookup(7, 8, 8)
    pyramid = texture_pyramid(texture)
    uv = torch.full((5, 2), 0.3, dtype=F64)
    level = torch.tensor([-1.0, 0.0, 1.0, 1.25, 99.0], dtype=F64)
    values = sample_texture(pyramid, uv, level=level)
    one = sample_texture(pyramid.level(1), uv[:1])[0]
    two = sample_texture(pyramid.level(2), uv[:1])[0]
    expected = [sample_texture(texture, uv[:1])[0]] * 2 + [one, 0.75 * one + 0.25 * two,
                                                           pyramid.level(3)[0, 0]]  # fmt: skip
    torch.testing.assert_close(values, torch.stack(expected))


def test_footprint_of_a_flat_square_is_its_scale():
    # 20 pixels show a quarter of a 64-texel texture: 0.8 texels a pixel across, 1.6 down
    corners = torch.tensor([[0.0, 0, 0], [20, 0, 0], [20, 20, 0], [0, 20, 0]], dtype=F64)
    faces = torch.tensor([[0, 1, 2], [0, 2, 3]])
    uvs = corners[:, :2] / 20 * torch.tensor([0.25, 0.5], dtype=F64)
    camera = pixel_camera(20, 20)
    fragments = rasterize(corners, faces, camera)
    jacobian = uv_jacobian(uvs, faces, corners, faces, camera, fragments)
    expected = torch.tensor([[0.25 / 20, 0], [0, -0.5 / 20]], dtype=F64)
    torch.testing.assert_close(jacobian, expected.expand(1, 20, 20, 2, 2), rtol=0, atol=1e-12)
    level = mip_level(jacobian, 64, 64)
    torch.testing.assert_close(level, torch.full_like(level, np.log2(1.6)))


def test_footprint_equals_finite_differences_over_the_picture():
    # a picture with 1000 times finer pixels: neighbouring centres there are 1/1000 pixel apart
    vertices, faces = triangle_soup(8, 6, size=1.0)
    rng = np.random.default_rng(0)
    uvs = torch.from_numpy(rng.uniform(0, 1, (len(vertices), 2)))
    camera = front(24)
    fragments = rasterize(vertices, faces, camera)
    jacobian = uv_jacobian(uvs, faces, vertices, faces, camera, fragments)
    checked = 0
    for axis, shift in ((0, (1e-3, 0.0)), (1, (0.0, 1e-3))):
        moved = []
        for sign in (-1, 1):
            k = camera.intrinsics.clone()
            k[0, 0, 2] -= sign * shift[0]
            k[0, 1, 2] -= sign * shift[1]
            view = rasterize(vertices, faces, type(camera)(camera.w2c, k, 24, 29))
            moved.append((view, interpolate(uvs, faces, view)))
        same = (moved[0][0].face_index == moved[1][0].face_index) & fragments.covered
        same &= moved[0][0].face_index == fragments.face_index
        slope = (moved[1][1] - moved[0][1]) / 2e-3
        torch.testing.assert_close(slope[same], jacobian[same][..., axis], rtol=1e-4, atol=1e-6)
        checked += int(same.sum())
    assert checked > 100


def test_gradients_do_not_depend_on_threads():
    texture, uv = random_lookup(9, 32, 32, pixels=20_000)
    results = []
    for threads in (1, 2, 5):
        torch.set_num_threads(threads)
        t, x = texture.float().requires_grad_(), uv.float().requires_grad_()
        sample_texture(texture_pyramid(t, num_levels=1), x).square().sum().backward()
        results.append((t.grad, x.grad))
    for other in results[1:]:
        assert torch.equal(results[0][0], other[0])
        assert torch.equal(results[0][1], other[1])


def test_impossible_lookups_are_refused():
    texture, uv = random_lookup(10)
    with pytest.raises(InputError, match="1 to 3 mip levels, not 4"):
        texture_pyramid(texture, num_levels=4)
    with pytest.raises(InputError, match=r"float64, its coordinates torch\.float32"):
        sample_texture(texture, uv.float())
