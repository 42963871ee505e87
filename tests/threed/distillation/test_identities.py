"""Closed forms that score distillation has under normal priors, in float64.

`tests.threed.distillation.test_losses` holds what losses are to each other, `test_negatives` the
identities of guidance, `tests.threed.bench.test_laws` where descents end.
"""

import math

import pytest
import torch
from torch import Tensor

from common.diffusion.guidance_config import CFG
from common.diffusion.noise_schedule import build_noise_schedule, per_sample
from common.diffusion.schedule_config import ScaledLinearSchedule
from tests.threed.distillation.normal_prior import Normal, drawn
from threed.distillation.ism import ism_gradient
from threed.distillation.sds import sds_gradient
from threed.distillation.sjc import sjc_gradient
from threed.distillation.weight import Weight

VAR = 0.49
PLAIN = CFG(guidance_scale=1.0)
TIMES = torch.tensor([20.0, 200.0, 500.0, 900.0], dtype=torch.float64)
EXACT = {"rtol": 1e-11, "atol": 1e-12}
"""Float64, a handful of operations."""


class StableNormal(Normal):
    """On Stable Diffusion's table."""

    def __init__(self, var: float):
        super().__init__(var, "eps")
        schedule = build_noise_schedule(ScaledLinearSchedule())
        self.spec = type(self.spec)(self.spec.latent_shape, 4, schedule, "eps")


PRIOR = StableNormal(VAR)
MEAN = PRIOR.embed(["1.5"] * 4)


def levels() -> tuple[Tensor, Tensor]:
    """Of double precision, one a sample."""
    return PRIOR.spec.schedule.alpha_sigma(TIMES)


def mean_gradient(latents: Tensor, weight: Weight = "uniform", guidance=PLAIN, uncond=MEAN):
    """Antithetic noise: what is odd in it cancels, and these gradients are affine in it."""
    both = [
        sds_gradient(PRIOR, latents, TIMES, sign * drawn(1, 4), MEAN, uncond, guidance, weight)
        for sign in (1, -1)
    ]
    return (both[0].gradient + both[1].gradient) / 2


@pytest.mark.parametrize("weight", ["sigma_squared", "uniform", "reconstruction",
                                    "alpha_sigma_squared"])  # fmt: skip
def test_fixed_point_is_the_mean_whatever_the_weight(weight):
    still = torch.full_like(drawn(0, 4), 1.5)
    torch.testing.assert_close(
        mean_gradient(still, weight), torch.zeros_like(still), rtol=0, atol=1e-12
    )
    assert float(mean_gradient(still + 0.1, weight).min()) > 1e-4, "and nothing beside it"


def test_mean_gradient_is_that_of_a_divergence():
    """``sigma / alpha`` times the gradient of ``KL(N(a x, s^2) || N(a m, a^2 v + s^2))``."""
    alpha, sigma = (per_sample(one, drawn(0, 4)) for one in levels())
    x = drawn(0, 4).requires_grad_()
    ours = torch.distributions.Normal(alpha * x, sigma.expand_as(x))
    spread = (alpha**2 * VAR + sigma**2).sqrt().expand_as(x)
    theirs = torch.distributions.Normal(alpha * 1.5 * torch.ones_like(x), spread)
    divergence = torch.distributions.kl_divergence(ours, theirs).sum()
    (slope,) = torch.autograd.grad(divergence, x)
    torch.testing.assert_close(mean_gradient(x.detach()), sigma / alpha * slope, **EXACT)


def test_reconstruction_weight_is_the_gradient_of_the_distance_to_the_estimate():
    """``d/dx |x - sg(x0_hat)|^2 / 2`` (MVDream)."""
    x = drawn(0, 4).requires_grad_()
    found = sds_gradient(PRIOR, x.detach(), TIMES, drawn(1, 4), MEAN, MEAN, PLAIN, "reconstruction")
    (slope,) = torch.autograd.grad(0.5 * (x - found.denoised).square().sum(), x)
    # sigma / alpha is up to 7 here, times rounding.
    torch.testing.assert_close(found.gradient, slope, rtol=1e-10, atol=1e-11)


def test_sjc_is_sds_of_uniform_weight_on_stable_diffusions_levels():
    call = (drawn(0, 4), TIMES, drawn(1, 4), MEAN, PRIOR.embed([""] * 4), CFG(guidance_scale=100.0))
    ours, theirs = (
        sjc_gradient(PRIOR, *call).gradient,
        sds_gradient(PRIOR, *call, "uniform").gradient,
    )
    assert float((ours - theirs).abs().max()) < 1e-12 * max(float(theirs.abs().max()), 1.0)


def slope_in_noise(baseline: Tensor) -> Tensor:
    """By how much the gradient of each sample changes with the noise: exact, as it is affine."""
    ones = torch.ones_like(drawn(0, 4))
    found = []
    for index in range(4):
        one = slice(index, index + 1)
        ends = [
            sds_gradient(
                PRIOR, drawn(0, 4)[one], TIMES[one], noise[one], MEAN[one], MEAN[one], PLAIN,
                "uniform", float(baseline[index]),
            ).gradient
            for noise in (ones, 0 * ones)
        ]  # fmt: skip
        found.append((ends[0] - ends[1]).flatten()[0])
    return torch.stack(found)


def test_subtracting_the_noise_raises_the_variance_where_there_is_little():
    """At t = 20 with a spread of 0.7 from 0.0014 to 0.93; it lowers it at t = 900."""
    noise, none = slope_in_noise(torch.ones(4)) ** 2, slope_in_noise(torch.zeros(4)) ** 2
    assert float(none[0]) == pytest.approx(0.0014, abs=5e-5)
    assert float(noise[0]) == pytest.approx(0.93, abs=5e-3)
    alpha, sigma = levels()
    assert torch.equal(noise < none, sigma > alpha * math.sqrt(VAR))


def test_best_baseline_of_a_normal_leaves_no_variance():
    """``c = sigma^2 / (alpha^2 s^2 + sigma^2)``."""
    alpha, sigma = levels()
    best = sigma**2 / (alpha**2 * VAR + sigma**2)
    torch.testing.assert_close(slope_in_noise(best), torch.zeros(4).double(), rtol=0, atol=1e-12)
    assert float(slope_in_noise(0.9 * best).abs().min()) > 1e-4


@pytest.mark.parametrize("scale", [1.0, 7.5, 100.0])
def test_guidance_of_equal_spreads_lands_the_scale_in_displacements_away(scale):
    """``m_u + s (m_c - m_u)``, whatever the time."""
    away = PRIOR.embed(["-0.5"] * 4)
    still = torch.full_like(drawn(0, 4), -0.5 + scale * 2.0)
    found = mean_gradient(still, guidance=CFG(guidance_scale=scale), uncond=away)
    torch.testing.assert_close(found, torch.zeros_like(still), rtol=0, atol=1e-11)


def test_ism_goes_to_its_closed_form_of_exact_inversion_as_steps_shrink():
    """``(x - m) / k [sigma_t / sqrt(alpha_t^2 k^2 + sigma_t^2) - the same at s]``.

    Renders stand for latents of time 0, which the table has not quite clean.
    """
    prior = Normal(VAR)
    start = prior.spec.schedule.alpha_sigma(torch.zeros(3, dtype=torch.float64))
    k = (start[0] ** 2 * VAR + start[1] ** 2).sqrt()
    off = drawn() - per_sample(start[0], drawn()) * 2.0
    cond = prior.embed(["2"] * 3)
    times = torch.tensor([120.0, 200.0, 280.0], dtype=torch.float64)

    def share(at: Tensor) -> Tensor:
        alpha, sigma = prior.spec.schedule.alpha_sigma(at)
        return sigma / (alpha**2 * VAR + sigma**2).sqrt()

    errors = []
    for step in (4.0, 2.0, 1.0):
        found = ism_gradient(
            prior, drawn(), times, cond, cond, PLAIN, interval=step, stride=step, weight="uniform"
        ).gradient
        factor = (share(times) - share(times - step)) / k
        expected = per_sample(factor, drawn()) * off
        errors.append(float(((found - expected) / expected).abs().max()))
    # Steps of first order: half as long, half as wrong.
    assert errors[2] < 0.01
    assert errors[1] / errors[2] == pytest.approx(2.0, rel=0.15)
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.15)


def test_linear_renderer_ends_at_weighted_least_squares():
    """Views ``x_k = A_k theta`` judged by normals of their own: the fixed point is that of
    ``sum_k c_k |A_k theta - m_k|^2`` with ``c = w sigma alpha / (alpha^2 v + sigma^2)``."""
    generator = torch.Generator().manual_seed(0)
    size = math.prod(drawn().shape[1:])
    views = torch.randn(4, size, 5, generator=generator, dtype=torch.float64)
    means = torch.randn(4, size, generator=generator, dtype=torch.float64)

    class Views(StableNormal):
        """Each sample's mean is that of its view."""

        def predict(self, latents, timesteps, cond):
            levels = self.spec.schedule.alpha_sigma(timesteps)
            alpha, sigma = (per_sample(value, latents) for value in levels)
            off = latents - alpha * means.view(latents.shape)
            return sigma * off / (alpha**2 * VAR + sigma**2)

    prior = Views(VAR)
    alpha, sigma = levels()
    pull = sigma**2 * sigma * alpha / (alpha**2 * VAR + sigma**2)
    rows = views * pull.sqrt()[:, None, None]
    right = means * pull.sqrt()[:, None]
    best = torch.linalg.lstsq(rows.reshape(-1, 5), right.reshape(-1, 1)).solution[:, 0]

    def slope(theta: Tensor) -> Tensor:
        scene = theta.clone().requires_grad_()
        x = (views @ scene).view(4, *drawn().shape[1:])
        both = [
            sds_gradient(prior, x.detach(), TIMES, sign * drawn(1, 4), MEAN, MEAN, PLAIN).gradient
            for sign in (1, -1)
        ]
        (found,) = torch.autograd.grad(x, scene, grad_outputs=(both[0] + both[1]) / 2)
        return found

    torch.testing.assert_close(slope(best), torch.zeros(5).double(), rtol=0, atol=1e-11)
    theta = torch.zeros(5, dtype=torch.float64)
    for _ in range(3000):
        theta = theta - 0.01 * slope(theta)
    torch.testing.assert_close(theta, best, rtol=1e-6, atol=1e-8)
