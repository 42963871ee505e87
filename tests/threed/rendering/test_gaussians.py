import math
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import sph_harm_y

from common.cameras import Cameras, orbit_cameras
from common.errors import InputError
from tests.reference import splat_dense, splat_tiled
from threed.rendering.gaussians import Splatting, render, splat
from threed.rendering.sh_kernels import sh_values
from threed.scenes.gaussian_cloud import GaussianCloud

F64 = torch.float64
NAMES = [field.name for field in fields(GaussianCloud)]


def random_cloud(seed, n=30, degree=2, dtype=F64, scale=0.08, opacity=0.0):
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=F64)

    return cloud_of(
        0.25 * normal(n, 3), math.log(scale) + 0.5 * normal(n, 3), normal(n, 4),
        opacity + normal(n), 0.4 * normal(n, (degree + 1) ** 2, 3),
    ).to(dtype)  # fmt: skip


class Movable(GaussianCloud):
    """A cloud that changes its dtype."""

    def to(self, dtype):
        return Movable(*(getattr(self, name).to(dtype) for name in NAMES))


def cloud_of(*tensors):
    return Movable(*tensors)


def one_gaussian(mean=(0.0, 0.0, 0.0), scale=0.1, logit=2.0, colour=(0.7, 0.4, 0.2), dtype=F64):
    sh = (torch.tensor(colour, dtype=dtype) - 0.5) / 0.28209479177387814
    return cloud_of(
        torch.tensor([mean], dtype=dtype), torch.full((1, 3), math.log(scale), dtype=dtype),
        torch.tensor([[1.0, 0.0, 0.0, 0.0]], dtype=dtype), torch.tensor([logit], dtype=dtype),
        sh.view(1, 1, 3),
    )  # fmt: skip


def joined(*clouds):
    return Movable(*(torch.cat([getattr(one, name) for one in clouds]) for name in NAMES))


def around(views=2, height=20, width=23, dtype=F64):
    azimuths = [75.0 * i + 10 for i in range(views)]
    cameras = orbit_cameras(azimuths, 20.0, 2.2, 30.0, height, width, dtype=dtype)
    intrinsics = cameras.intrinsics.clone()
    intrinsics[:, 0, 1] = 1.5  # skew
    intrinsics[:, 0, 2] += 2.0
    return Cameras(cameras.w2c, intrinsics, height, width)


def measured(values):
    """A number that every output pulls on differently."""
    total = 0.0
    for i, value in enumerate(values):
        weights = torch.cos(torch.arange(value.numel(), dtype=F64) * (0.37 + 0.11 * i))
        total = total + (weights.view(value.shape) * value.double()).sum()
    return total


def pictures(cloud, cameras, shifts, antialiased):
    seen = splat(
        cloud, cameras, shifts=shifts, splatting=Splatting(antialiased=antialiased),
        with_normals=True,
    ).rendered  # fmt: skip
    return seen.rgb, seen.opacity, seen.depth, seen.normal


def twins(cloud, cameras, shifts, antialiased):
    seen = splat_dense.splat(cloud, cameras, shifts, antialiased=antialiased)
    return seen["rgb"], seen["opacity"], seen["depth"], seen["normal"]


def values_and_gradients(draw, cloud, cameras, antialiased):
    live = Movable(*(getattr(cloud, name).clone().requires_grad_() for name in NAMES))
    shifts = torch.zeros(len(cameras), len(cloud), 2, dtype=cloud.means.dtype, requires_grad=True)
    values = draw(live, cameras, shifts, antialiased)
    measured(values).backward()
    leaves = [*(getattr(live, name) for name in NAMES), shifts]
    return [one.detach() for one in values], [leaf.grad for leaf in leaves]


# ------------------------------------------------------------------------- closed form


def test_harmonics_are_the_real_parts_of_the_complex_ones():
    generator = np.random.default_rng(0)
    for direction in generator.normal(size=(8, 3)):
        x, y, z = direction / np.linalg.norm(direction)
        found = np.zeros(25)
        sh_values(x, y, z, 25, found)
        expected = []
        for n in range(5):
            for m in range(-n, n + 1):
                complex_one = sph_harm_y(n, abs(m), np.arccos(z), np.arctan2(y, x))
                part = complex_one.imag if m < 0 else complex_one.real
                expected.append(part * (1 if m == 0 else math.sqrt(2)))
        np.testing.assert_allclose(found, expected, atol=1e-14)


def test_one_gaussian_is_a_bell_in_the_picture():
    scale, distance, size = 0.1, 3.0, 33
    cloud, cameras = one_gaussian(scale=scale), orbit_cameras(0.0, 0.0, 3.0, 25.0, size, size,
                                                              dtype=F64)  # fmt: skip
    seen = render(cloud, cameras)
    focal = float(cameras.intrinsics[0, 0, 0])
    variance = (focal * scale / distance) ** 2 + 0.3
    centre = torch.arange(size, dtype=F64) + 0.5 - size / 2
    squared = centre[:, None] ** 2 + centre**2
    alpha = torch.sigmoid(torch.tensor(2.0, dtype=F64)) * torch.exp(-0.5 * squared / variance)
    alpha = torch.where(alpha >= 1 / 255, alpha, 0.0)
    torch.testing.assert_close(seen.opacity[0], alpha, rtol=1e-12, atol=1e-14)
    colour = torch.tensor([0.7, 0.4, 0.2], dtype=F64)
    torch.testing.assert_close(seen.rgb[0], alpha[..., None] * colour, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(
        seen.depth[0], torch.where(alpha > 0, distance, 0.0).to(F64), rtol=1e-12, atol=1e-12
    )


def test_nearer_hides_farther_whatever_the_order_in_memory():
    near = one_gaussian((0.0, 0.0, 0.3), logit=9.0, colour=(1.0, 0.0, 0.0))
    far = one_gaussian((0.0, 0.0, -0.3), logit=9.0, colour=(0.0, 1.0, 0.0))
    cameras = orbit_cameras(0.0, 0.0, 3.0, 25.0, 9, 9, dtype=F64)
    one, other = (render(joined(*pair), cameras) for pair in ((near, far), (far, near)))
    assert torch.equal(one.rgb, other.rgb)
    # alpha is cut at 0.99: a hundredth of the far one shows through
    expected = torch.tensor([0.99, 0.01 * 0.99, 0.0], dtype=F64)
    torch.testing.assert_close(one.rgb[0, 4, 4], expected, rtol=1e-9, atol=1e-9)


def test_of_equal_depths_the_first_is_nearer():
    cameras = orbit_cameras(0.0, 0.0, 3.0, 25.0, 9, 9, dtype=F64)
    clouds = [one_gaussian(logit=9.0, colour=c) for c in ((0.9, 0.0, 0.0), (0.0, 0.9, 0.0))]
    for order in ((0, 1), (1, 0)):
        seen = render(joined(*(clouds[i] for i in order)), cameras).rgb[0, 4, 4]
        assert float(seen[order[0]]) > 50 * float(seen[order[1]])


def test_light_ends_before_the_splat_that_would_leave_a_ten_thousandth():
    cameras = orbit_cameras(0.0, 0.0, 3.0, 25.0, 1, 1, dtype=F64)
    # one pixel on the axis sees every splat at its full opacity of 0.95
    stack = joined(*(one_gaussian((0.0, 0.0, -0.01 * i), logit=math.log(19)) for i in range(6)))
    # 0.05, 0.0025, 0.000125; the fourth would leave 0.00000625
    assert 1 - float(render(stack, cameras).opacity) == pytest.approx(0.05**3, rel=1e-9)


def test_normal_is_the_short_axis_toward_the_camera():
    flat = one_gaussian()
    flat = replace(flat, log_scales=torch.log(torch.tensor([[0.2, 0.01, 0.2]], dtype=F64)))
    for elevation, sign in ((50.0, 1.0), (-50.0, -1.0)):
        cameras = orbit_cameras(0.0, elevation, 3.0, 25.0, 9, 9, dtype=F64)
        seen = render(flat, cameras, with_normals=True)
        expected = torch.tensor([0.0, sign, 0.0], dtype=F64) * seen.opacity[0, 4, 4]
        torch.testing.assert_close(seen.normal[0, 4, 4], expected)


def test_compensated_splats_keep_their_light():
    cameras = orbit_cameras(0.0, 0.0, 3.0, 25.0, 65, 65, dtype=F64)
    sums = []
    for scale in (0.02, 0.004):
        seen = render(one_gaussian(scale=scale), cameras, splatting=Splatting(antialiased=True))
        sums.append(float(seen.opacity.sum()) / scale**2)
    # the sum of a bell is its height times its area; cutting below 1/255 takes a few per cent
    assert sums[0] == pytest.approx(sums[1], rel=0.06)


# ------------------------------------------------------------------------- against the twin


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.booleans(), st.integers(0, 4))
def test_values_and_gradients_equal_the_twin_in_float64(seed, antialiased, degree):
    cloud, cameras = random_cloud(seed, degree=degree), around()
    ours = values_and_gradients(pictures, cloud, cameras, antialiased)
    theirs = values_and_gradients(twins, cloud, cameras, antialiased)
    for mine, other in zip([*ours[0], *ours[1]], [*theirs[0], *theirs[1]], strict=True):
        # sums of some hundred float64 terms in another order, with gradients up to thousands
        torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-9 * float(other.abs().max()))


@pytest.mark.parametrize("seed", range(4))
def test_float32_equals_the_twin_in_float64(seed):
    cloud, cameras = random_cloud(seed, n=60, dtype=torch.float32), around()
    ours = values_and_gradients(pictures, cloud, cameras.to(torch.float32), False)
    exact = cameras.to(torch.float32).to(F64)
    theirs = values_and_gradients(twins, cloud.to(F64), exact, False)
    for mine, other in zip([*ours[0], *ours[1]], [*theirs[0], *theirs[1]], strict=True):
        # 1e-4 of the largest: single gradients are differences of larger terms
        torch.testing.assert_close(
            mine.double(), other, rtol=1e-4, atol=1e-4 * float(other.abs().max())
        )


def test_the_benchmarks_rival_draws_the_same():
    cloud = random_cloud(7, n=200, degree=0, scale=0.05)
    cameras = orbit_cameras(40.0, 20.0, 2.2, 30.0, 37, 45, dtype=F64)
    seen = render(cloud, cameras)
    z = seen.depth[0] * seen.opacity[0]
    expected = torch.cat([seen.rgb[0], z[..., None], seen.opacity[0, ..., None]], -1)
    torch.testing.assert_close(splat_tiled.splat(cloud, cameras), expected, rtol=1e-9, atol=1e-11)
    assert splat_tiled.mean_overlap(cloud, cameras) > 1


@pytest.mark.parametrize("antialiased", [False, True])
def test_gradients_pass_gradcheck(antialiased):
    cloud, cameras = random_cloud(3, n=4, degree=1, scale=0.15), around(2, 6, 7)
    shifts = torch.zeros(2, 4, 2, dtype=F64)

    def drawn(*leaves):
        return pictures(cloud_of(*leaves[:-1]), cameras, leaves[-1], antialiased)

    leaves = [*(getattr(cloud, name) for name in NAMES), shifts]
    assert torch.autograd.gradcheck(drawn, [leaf.requires_grad_() for leaf in leaves])


def test_what_cannot_be_seen_changes_nothing():
    cloud, cameras = random_cloud(1), around()
    hidden = joined(
        one_gaussian((0.0, 0.0, 0.0), logit=-9.0),  # too faint
        one_gaussian((90.0, 0.0, 0.0)), one_gaussian((0.0, 90.0, 0.0)),  # off the picture
        one_gaussian((-1.0, 5.0, -40.0), scale=0.01),
        one_gaussian(tuple((1.5 * cameras.positions[0]).tolist()), scale=0.01),
    )  # fmt: skip
    hidden = replace(hidden, sh=torch.cat([hidden.sh, hidden.sh.new_zeros(5, 8, 3)], 1))
    one = splat(cloud, cameras)
    other = splat(joined(hidden, cloud), cameras)
    assert torch.equal(one.rendered.rgba, other.rendered.rgba)
    assert torch.equal(one.radii, other.radii[:, 5:])
    assert float(other.radii[:, :4].abs().max()) == 0


@pytest.mark.parametrize("scale", [1e-12, 1e-4, 3.0, 1e4])
def test_tiny_and_huge_gaussians_equal_the_twin(scale):
    cloud = joined(one_gaussian((0.05, 0.02, 0.0), scale=scale), one_gaussian((0.0, 0.0, -0.3)))
    cameras = around(1)
    ours = values_and_gradients(pictures, cloud, cameras, False)
    theirs = values_and_gradients(twins, cloud, cameras, False)
    for mine, other in zip([*ours[0], *ours[1]], [*theirs[0], *theirs[1]], strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-7 * float(other.abs().max()))


# ------------------------------------------------------------------------- properties


def test_values_and_gradients_do_not_depend_on_threads():
    results = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        cloud = random_cloud(5, n=1500, dtype=torch.float32, scale=0.03)
        cameras = around(3, 70, 50, torch.float32)
        results.append(values_and_gradients(pictures, cloud, cameras, False))
    for other in results[1:]:
        for kind in (0, 1):
            for a, b in zip(results[0][kind], other[kind], strict=True):
                assert torch.equal(a, b)


def test_order_in_memory_and_the_length_of_quaternions_do_not_matter():
    cloud, cameras = random_cloud(2), around()
    order = torch.randperm(len(cloud), generator=torch.Generator().manual_seed(0))
    mixed = Movable(*(getattr(cloud, name)[order] for name in NAMES))
    mixed = replace(mixed, quaternions=mixed.quaternions * 16)
    torch.testing.assert_close(render(mixed, cameras).rgba, render(cloud, cameras).rgba)


def test_views_are_drawn_as_if_alone():
    cloud, cameras = random_cloud(4), around(3)
    together = splat(cloud, cameras)
    for v in range(3):
        alone = splat(cloud, cameras[v])
        assert torch.equal(together.rendered.rgba[v], alone.rendered.rgba[0])
        assert torch.equal(together.radii[v], alone.radii[0])


def test_radius_reaches_to_where_alpha_ends():
    cameras = orbit_cameras(0.0, 0.0, 3.0, 25.0, 65, 65, dtype=F64)
    seen = splat(one_gaussian(), cameras)
    shown = (seen.rendered.opacity[0, 32] > 0).nonzero()[:, 0]
    assert float(seen.radii) == pytest.approx((float(shown[-1] - shown[0]) + 1) / 2, abs=1.0)


def test_no_gaussians_are_an_empty_picture():
    empty = Movable(*(getattr(random_cloud(0), name)[:0] for name in NAMES))
    seen = splat(empty, around())
    assert seen.radii.shape == (2, 0)
    assert float(seen.rendered.rgba.abs().max()) == 0
    assert float(seen.rendered.depth.abs().max()) == 0


# ------------------------------------------------------------------------- refusals


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_numbers_that_are_not_finite_are_refused(name, value):
    cloud = random_cloud(0)
    tensor = getattr(cloud, name).clone()
    tensor.view(-1)[7] = value
    with pytest.raises(InputError, match=f"1 of {tensor.numel()} numbers in {name}"):
        render(replace(cloud, **{name: tensor}), around())


def test_gaussians_without_a_picture_are_refused():
    cloud = random_cloud(0)
    turns = cloud.quaternions.clone()
    turns[3] = 0
    with pytest.raises(InputError, match="Gaussian 3 has no picture"):
        render(replace(cloud, quaternions=turns), around())
    scales = cloud.log_scales.clone()
    scales[5] = 400.0
    with pytest.raises(InputError, match="Gaussian 5 has no picture"):
        render(replace(cloud, log_scales=scales), around())


def test_wrong_requests_are_refused():
    cloud = random_cloud(0)
    with pytest.raises(InputError, match="float32 or float64 alike"):
        render(cloud, around(dtype=torch.float32))
    with pytest.raises(InputError, match="shifts for"):
        splat(cloud, around(), shifts=torch.zeros(1, len(cloud), 2, dtype=F64))
    with pytest.raises(InputError, match="must be above 0"):
        Splatting(blur_px2=0.0)
