import math

import numpy as np
import pytest
import torch

from common.cameras import orbit_cameras
from common.errors import InputError
from threed.optimise.adaptive_density import Adaptive, Pulls, adapted
from threed.optimise.live_cloud import LEAVES, live_cloud, rearranged, restored
from threed.optimise.mcmc_density import Mcmc, densified, explore, shared_light
from threed.rendering.gaussians import Splatting, render
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.gaussian_start import cloud_from_points, points_in_box


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def some_cloud(n=12, degree=1):
    points = points_in_box((-0.3, -0.3, -0.3), (0.3, 0.3, 0.3), n, generator())
    colours = torch.rand(n, 3, generator=generator(1))
    return cloud_from_points(points, colours, degree=degree, opacity=0.5)


def stepped(cloud):
    """A live cloud with moments."""
    live = live_cloud(cloud)
    for group in live.optimizer.param_groups:
        group["lr"] = 1e-4
    drawn = render(live.cloud(), orbit_cameras(20.0, 10.0, 3.0, 25.0, 16, 16))
    (drawn.rgba**2).sum().backward()
    live.optimizer.step()
    return live


def moment(live, name, kind="exp_avg"):
    return live.optimizer.state[live.leaves[name]][kind]


# ------------------------------------------------------------------------- the start


def test_first_gaussians_are_as_wide_as_three_neighbours_are_far():
    points = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 2, 0], [0, 0, 3], [50, 0, 0]])
    colours = torch.full((5, 3), 0.8)
    cloud = cloud_from_points(points, colours, degree=2)
    torch.testing.assert_close(cloud.scales[0], torch.full((3,), 2.0))
    torch.testing.assert_close(cloud.opacities, torch.full((5,), 0.1))
    cameras = orbit_cameras(0.0, 0.0, 200.0, 60.0, 9, 9)
    seen = render(cloud, cameras)
    shown = seen.opacity > 0
    torch.testing.assert_close(seen.rgb[shown], seen.opacity[shown][:, None].expand(-1, 3) * 0.8)


def test_starts_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="4 points"):
        cloud_from_points(torch.zeros(3, 3), torch.zeros(3, 3))
    with pytest.raises(InputError, match="between 0 and 1"):
        cloud_from_points(torch.rand(9, 3), torch.zeros(9, 3), opacity=1.0)


# ------------------------------------------------------------------------- rows


def test_rows_keep_their_moments_and_fresh_ones_have_none():
    live = stepped(some_cloud())
    rows = torch.tensor([3, 0, 3, 7])
    fresh = torch.tensor([False, False, True, False])
    before = {name: (live.leaves[name].detach().clone(), moment(live, name).clone())
              for name in LEAVES}  # fmt: skip
    moved = rearranged(live, rows, fresh, {})
    for name, (leaf, average) in before.items():
        assert torch.equal(moved.leaves[name].detach(), leaf[rows])
        expected = average[rows]
        expected[2] = 0
        assert torch.equal(moment(moved, name), expected)
    assert float(moved.optimizer.state[moved.leaves["means"]]["step"]) == 1


def test_a_restored_cloud_is_the_same():
    live = stepped(some_cloud())
    again = restored(live.state())
    for name in LEAVES:
        assert torch.equal(again.leaves[name], live.leaves[name])
        assert torch.equal(moment(again, name, "exp_avg_sq"), moment(live, name, "exp_avg_sq"))


# ------------------------------------------------------------------------- MCMC


@pytest.mark.parametrize("copies", [1, 2, 5, 51])
@pytest.mark.parametrize("opacity", [0.05, 0.7, 0.99])
def test_shared_light_keeps_height_and_integral_of_alpha(copies, opacity):
    each, factor = shared_light(torch.tensor([opacity], dtype=torch.float64),
                                torch.tensor([copies]))  # fmt: skip
    o, s = float(each), float(factor)
    assert 1 - (1 - o) ** copies == pytest.approx(opacity, rel=1e-9)
    x = np.linspace(-12, 12, 20_001)  # trapezes of a smooth bell: exact to many digits
    together = 1 - (1 - o * np.exp(-0.5 * (x / s) ** 2)) ** copies
    assert np.trapezoid(together, x) == pytest.approx(opacity * math.sqrt(2 * math.pi), rel=1e-7)


def test_dead_gaussians_move_and_the_picture_stays():
    cloud = some_cloud(20)
    logits = cloud.opacity_logits.clone()
    logits[10:] = -8.0
    cloud = GaussianCloud(cloud.means, cloud.log_scales, cloud.quaternions, logits, cloud.sh)
    cameras = orbit_cameras([0.0, 90.0], 10.0, 3.0, 25.0, 48, 48)
    before = render(cloud, cameras, splatting=Splatting(blur_px2=1e-3)).rgba
    live = densified(live_cloud(cloud), Mcmc(), 20, generator())
    assert len(live) == 20
    assert float(torch.sigmoid(live.leaves["opacity_logits"].detach()).min()) > 0.005
    after = render(live.cloud(), cameras, splatting=Splatting(blur_px2=1e-3)).rgba.detach()
    # heights and integrals of alpha agree, its slopes do not: a few hundredths
    changed = float((after - before).abs().mean())
    assert changed < 0.03 * float(before.mean())
    same = (live.leaves["means"].detach()[:, None] == cloud.means[:10]).all(-1)
    assert bool((same.sum(1) == 1).all())
    # copies that share nothing
    rows = same.float().argmax(1)
    copies = GaussianCloud(cloud.means[rows], cloud.log_scales[rows], cloud.quaternions[rows],
                           logits[rows], cloud.sh[rows])  # fmt: skip
    naive = render(copies, cameras, splatting=Splatting(blur_px2=1e-3)).rgba
    assert changed < 0.3 * float((naive - before).abs().mean())


def test_the_cloud_grows_to_its_cap_and_no_further():
    live = live_cloud(some_cloud(100, degree=0))
    sizes = []
    for i in range(5):
        live = densified(live, Mcmc(growth=0.1), 120, generator(i))
        sizes.append(len(live))
    assert sizes == [110, 120, 120, 120, 120]


def test_noise_moves_the_transparent_along_their_covariance():
    n = 20_000
    quaternions = torch.tensor([[0.9, 0.1, -0.3, 0.2]]).repeat(n, 1)
    log_scales = torch.tensor([[0.02, 0.001, 0.05]]).log().repeat(n, 1)
    cloud = GaussianCloud(torch.zeros(n, 3), log_scales, quaternions, torch.full((n,), -12.0),
                          torch.zeros(n, 1, 3))  # fmt: skip
    live = live_cloud(cloud)
    options, rate = Mcmc(noise=100.0), 0.5
    explore(live, rate, options, generator())
    moved = live.leaves["means"].detach().double()
    q = torch.nn.functional.normalize(quaternions[0].double(), dim=0)
    w, v = q[0], q[1:]
    cross = torch.linalg.cross(v.expand(3, 3), torch.eye(3, dtype=torch.float64)).T
    turn = torch.eye(3, dtype=torch.float64) + 2 * w * cross + 2 * cross @ cross
    spread = turn @ torch.diag(log_scales[0].double().exp() ** 2) @ turn.T
    gate = 1 / (1 + math.exp(-100 * (0.005 - 1 / (1 + math.exp(12.0)))))
    expected = (100 * rate * gate) ** 2 * spread @ spread
    found = moved.T @ moved / n
    # 20,000 draws know a variance to 1 %; entries are compared with the largest
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.03 * float(expected.max()))
    opaque = live_cloud(some_cloud())
    before = opaque.leaves["means"].detach().clone()
    explore(opaque, 1e-3, Mcmc(), generator())
    assert float((opaque.leaves["means"].detach() - before).abs().max()) < 1e-6


# ------------------------------------------------------------------------- ADC


def test_pulled_gaussians_double_or_split_and_faint_ones_go():
    cloud = some_cloud(6)
    logits, scales = cloud.opacity_logits.clone(), torch.full((6, 3), math.log(0.001))
    logits[5] = -9.0
    scales[1] = math.log(0.5)
    cloud = GaussianCloud(cloud.means, scales, cloud.quaternions, logits, cloud.sh)
    pulls = Pulls.none(6).with_views(
        torch.tensor([[[2e-3, 0.0]] * 2 + [[1e-6, 0.0]] * 3 + [[2e-3, 0.0]]]),
        torch.ones(1, 6), 100, 100,
    )  # fmt: skip
    live = adapted(live_cloud(cloud), pulls, Adaptive(), 1.0, 100, 100, generator())
    means, sizes = live.leaves["means"].detach(), live.leaves["log_scales"].detach()
    # kept: 0, 2, 3, 4; 0 again; 1 as two smaller ones
    assert torch.equal(means[:5], cloud.means[[0, 2, 3, 4, 0]])
    assert len(live) == 7
    torch.testing.assert_close(sizes[5:].exp(), torch.full((2, 3), 0.5 / 1.6))
    assert not torch.equal(means[5], means[6])
    capped = adapted(live_cloud(cloud), pulls, Adaptive(), 1.0, 5, 100, generator())
    assert len(capped) == 5


def test_opacities_are_lowered_now_and_then_and_the_huge_removed():
    cloud = some_cloud(6)
    scales = torch.full_like(cloud.log_scales, math.log(0.02))
    scales[2] = math.log(0.5)
    cloud = GaussianCloud(cloud.means, scales, cloud.quaternions, cloud.opacity_logits, cloud.sh)
    options = Adaptive(reset_every=100)
    first = adapted(live_cloud(cloud), Pulls.none(6), options, 1.0, 9, 100, generator())
    assert len(first) == 6
    highest = float(torch.sigmoid(first.leaves["opacity_logits"].detach()).max())
    assert highest == pytest.approx(0.01, rel=1e-5)
    later = adapted(live_cloud(cloud), Pulls.none(6), options, 1.0, 9, 150, generator())
    assert len(later) == 5


def test_numbers_out_of_range_are_refused():
    with pytest.raises(InputError, match="min_opacity"):
        Mcmc(min_opacity=0.0)
    with pytest.raises(InputError, match="prune_opacity"):
        Adaptive(prune_opacity=0.7)
    with pytest.raises(InputError, match="above 0"):
        Adaptive(grow_gradient=0.0)
