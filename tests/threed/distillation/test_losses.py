"""What the losses of score distillation are to each other and to closed forms, in float64."""

import math

import pytest
import torch
from torch import Tensor

from common.diffusion.guidance_config import CFG
from common.diffusion.noise_schedule import per_sample
from common.errors import InputError
from tests.threed.distillation.normal_prior import Normal, TwoSpreads, drawn
from threed.distillation.bridge import bridge_gradient
from threed.distillation.csd import csd_gradient
from threed.distillation.dds import dds_gradient
from threed.distillation.hifa import picture_gradient
from threed.distillation.inversion import inversion_times, inverted
from threed.distillation.ism import ism_gradient
from threed.distillation.nfsd import nfsd_gradient
from threed.distillation.rfds import rfds_gradient
from threed.distillation.scores import predicted_noise, weights
from threed.distillation.sdi import sdi_gradient
from threed.distillation.sds import sds_gradient
from threed.distillation.sjc import sjc_gradient
from threed.distillation.vsd import vsd_gradient

TIMES = torch.tensor([120.0, 480.0, 810.0], dtype=torch.float64)
PLAIN = CFG(guidance_scale=1.0)
STRONG = CFG(guidance_scale=7.5)
VAR = 0.3
CLOSE = {"rtol": 1e-10, "atol": 1e-12}
"""Float64, a handful of operations."""


def told(prior: Normal, prompt: str = "2", count: int = 3) -> tuple[Tensor, Tensor]:
    return prior.embed([prompt] * count), prior.embed([""] * count)


def levels(prior: Normal, times: Tensor = TIMES) -> tuple[Tensor, Tensor]:
    alpha, sigma = prior.spec.schedule.alpha_sigma(times)
    return per_sample(alpha, drawn()), per_sample(sigma, drawn())


# ------------------------------------------------------------------------------- SJC


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("prediction", ["eps", "v", "x0"])
def test_sjc_with_variance_reduction_is_sds_of_uniform_weight(prediction, flow):
    prior = Normal(VAR, prediction, flow)
    call = (drawn(), TIMES, drawn(1), *told(prior), STRONG)
    sjc, sds = sjc_gradient(prior, *call), sds_gradient(prior, *call, "uniform")
    torch.testing.assert_close(sjc.gradient, sds.gradient, **CLOSE)
    torch.testing.assert_close(sjc.denoised, sds.denoised, **CLOSE)


def test_sjc_without_variance_reduction_is_the_predicted_noise():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    found = sjc_gradient(
        prior, drawn(), TIMES, drawn(1), cond, uncond, PLAIN, variance_reduction=False
    )
    noised = prior.spec.schedule.add_noise(drawn(), drawn(1), TIMES)
    expected = predicted_noise(prior, noised, TIMES, cond)
    torch.testing.assert_close(found.gradient, expected, **CLOSE)


def test_variance_of_both_sjc_forms_is_as_computed():
    """Per element, of ``w = 1``: ``(alpha^2 s^2 / D)^2`` with and ``(sigma^2 / D)^2`` without."""
    prior = Normal(VAR)
    cond, uncond = told(prior)
    alpha, sigma = prior.spec.schedule.alpha_sigma(TIMES)
    spread = alpha**2 * VAR + sigma**2
    for reduced, expected in ((True, alpha**2 * VAR / spread), (False, sigma**2 / spread)):
        # The gradient is affine in the noise: its slope is the deviation, exactly.
        one, none = (
            sjc_gradient(
                prior, drawn(), TIMES, noise, cond, uncond, PLAIN, variance_reduction=reduced
            ).gradient
            for noise in (torch.ones_like(drawn()), torch.zeros_like(drawn()))
        )
        slope = (one - none).abs()
        torch.testing.assert_close(slope, per_sample(expected, slope).expand_as(slope), **CLOSE)


# ------------------------------------------------------------------------------- CSD


def test_csd_is_what_sds_grows_by_with_its_scale():
    prior = TwoSpreads(VAR, 1.2)
    call = (drawn(), TIMES, drawn(1), *told(prior))
    steep, flat = (
        sds_gradient(prior, *call, CFG(guidance_scale=scale)).gradient for scale in (101.0, 100.0)
    )
    found = csd_gradient(prior, *call)
    torch.testing.assert_close(found.gradient, steep - flat, rtol=1e-8, atol=1e-10)


def test_csd_is_zero_at_the_limit_of_the_fixed_point_of_sds():
    """Cond N(m, c^2), uncond N(0, u^2): ``A_c (x - m) = A_u x`` with ``A = 1 / (alpha^2 s^2 +
    sigma^2)``, on average over the noise."""
    prior = TwoSpreads(VAR, 1.2)
    cond, uncond = told(prior)
    alpha, sigma = prior.spec.schedule.alpha_sigma(TIMES)
    a_cond, a_uncond = (1 / (alpha**2 * var + sigma**2) for var in (VAR, 1.2))
    still = per_sample(a_cond * 2 / (a_cond - a_uncond), drawn()).expand_as(drawn()).clone()
    both = [
        csd_gradient(prior, still, TIMES, sign * drawn(1), cond, uncond).gradient
        for sign in (1, -1)
    ]
    torch.testing.assert_close(both[0] + both[1], torch.zeros_like(still), rtol=0, atol=1e-12)


def test_csd_of_equal_spreads_drifts_everywhere_alike():
    prior = Normal(VAR)
    found = [csd_gradient(prior, drawn(seed), TIMES, drawn(1), *told(prior)).gradient
             for seed in (0, 5)]  # fmt: skip
    torch.testing.assert_close(found[0], found[1], **CLOSE)
    assert bool((found[0] < 0).all()), "towards the prompt's side"


def test_csd_moves_away_from_a_negative_prompt():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    call = (drawn(), TIMES, drawn(1), cond, uncond)
    bad = prior.embed(["-3"] * 3)
    found = csd_gradient(prior, *call, bad, scale=0.0, negative_scale=2.0)
    toward = csd_gradient(prior, *call[:3], bad, uncond, scale=2.0)
    torch.testing.assert_close(found.gradient, -toward.gradient, **CLOSE)
    with pytest.raises(InputError, match="needs a negative prompt"):
        csd_gradient(prior, *call, negative_scale=1.0)


# ------------------------------------------------------------------- NFSD, bridge, DDS


def test_nfsd_takes_the_bad_prompt_away_only_where_there_is_much_noise():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    bad = prior.embed(["-3"] * 3)
    times = torch.tensor([50.0, 190.0, 400.0], dtype=torch.float64)
    found = nfsd_gradient(
        prior, drawn(), times, drawn(1), cond, uncond, bad, scale=4.0, weight="uniform"
    ).gradient
    noised = prior.spec.schedule.add_noise(drawn(), drawn(1), times)
    seen = [predicted_noise(prior, noised, times, one) for one in (cond, uncond, bad)]
    expected = 4.0 * (seen[0] - seen[1]) + seen[1]
    expected[2] -= seen[2][2]
    torch.testing.assert_close(found, expected, **CLOSE)


def test_bridge_from_nothing_is_the_classifier_score():
    prior = TwoSpreads(VAR, 1.2)
    call = (drawn(), TIMES, drawn(1), *told(prior))
    torch.testing.assert_close(
        bridge_gradient(prior, *call, scale=30.0).gradient,
        csd_gradient(prior, *call, scale=30.0).gradient,
        **CLOSE,
    )


def test_dds_is_exactly_zero_at_the_reference():
    prior = TwoSpreads(VAR, 1.2)
    cond, uncond = told(prior)
    found = dds_gradient(
        prior, drawn(), drawn(), TIMES, drawn(1), cond, cond, uncond, STRONG
    ).gradient
    assert torch.equal(found, torch.zeros_like(found))


def test_dds_carries_the_reference_by_the_difference_of_prompts():
    """With one spread: zero where the latent is the reference moved from mean to mean."""
    prior = Normal(VAR)
    cond, uncond = told(prior, "2")
    other = prior.embed(["-1"] * 3)
    moved = drawn() + 3.0
    found = dds_gradient(prior, moved, drawn(), TIMES, drawn(1), cond, other, uncond, PLAIN)
    torch.testing.assert_close(found.gradient, torch.zeros_like(moved), rtol=0, atol=1e-12)


# -------------------------------------------------------------------------------- VSD


class Particles(Normal):
    """The score of particles that are spread as a normal."""

    def __init__(self, mean: Tensor, var: float):
        super().__init__(var)
        self.mean = mean

    def predict(self, latents: Tensor, timesteps: Tensor, cond: Tensor) -> Tensor:
        return super().predict(latents, timesteps, self.mean.expand(len(latents)))


def descended(gradient, steps: int = 400) -> Tensor:
    """Many particles after descending along a gradient of random times and noises."""
    generator = torch.Generator().manual_seed(3)
    particles = torch.randn(64, 2, 3, 4, generator=generator, dtype=torch.float64)
    for _ in range(steps):
        times = 20 + 900 * torch.rand(64, generator=generator, dtype=torch.float64)
        noise = torch.randn(particles.shape, generator=generator, dtype=torch.float64)
        particles = particles - 0.2 * gradient(particles, times, noise).gradient
    return particles


def test_vsd_keeps_the_spread_that_sds_loses():
    prior = Normal(0.49)
    cond, uncond = told(prior, "1.5", 64)

    def vsd(particles, times, noise):
        own = Particles(particles.mean(), float(particles.var()))
        return vsd_gradient(prior, own, particles, times, noise, cond, uncond, cond, PLAIN)

    kept = descended(vsd)
    # 1,536 elements: the mean to 5 standard errors, the spread as the bar states it.
    assert float(kept.mean()) == pytest.approx(1.5, abs=0.09)
    assert float(kept.std()) == pytest.approx(0.70, abs=0.03)

    lost = descended(lambda x, t, n: sds_gradient(prior, x, t, n, cond, uncond, PLAIN))
    assert float(lost.mean()) == pytest.approx(1.5, abs=0.09)
    assert float(lost.std()) < 0.35


def test_vsd_is_zero_when_renders_are_spread_as_the_prior():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    found = vsd_gradient(
        prior, Normal(VAR, "eps"), drawn(), TIMES, drawn(1), cond, uncond, cond, PLAIN
    )
    torch.testing.assert_close(found.gradient, torch.zeros_like(drawn()), rtol=0, atol=1e-12)


def test_vsd_refuses_scores_of_another_schedule():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    with pytest.raises(InputError, match="another schedule"):
        vsd_gradient(
            prior, Normal(VAR, "velocity", flow=True), drawn(), TIMES, drawn(1), cond, uncond,
            cond, PLAIN,
        )  # fmt: skip


# ------------------------------------------------------------------ inversion, ISM, SDI


def exact(prior: Normal, latents: Tensor, times: Tensor, mean: float) -> Tensor:
    """The probability flow of a normal: ``z_t = alpha m + sqrt(alpha^2 v + sigma^2) (x - m) /
    sqrt(v)`` in the limit of a clean start."""
    alpha, sigma = prior.spec.schedule.alpha_sigma(times)
    spread = (alpha**2 * prior.var + sigma**2).sqrt() / math.sqrt(prior.var)
    return per_sample(alpha, latents) * mean + per_sample(spread, latents) * (latents - mean)


def test_inversion_in_small_steps_is_the_probability_flow():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    found = inverted(prior, drawn(), inversion_times(TIMES, 1.0), cond, uncond, PLAIN)
    # First-order steps: the error is about the stride over the time.
    torch.testing.assert_close(found, exact(prior, drawn(), TIMES, 2.0), rtol=0.02, atol=0.02)


def test_inversion_of_each_sample_ends_at_its_own_time():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    together = inverted(prior, drawn(), inversion_times(TIMES, 60.0), cond, uncond, PLAIN)
    for row in range(3):
        one = slice(row, row + 1)
        alone = inverted(
            prior, drawn()[one], inversion_times(TIMES[one], 60.0), cond[one], uncond[one], PLAIN
        )
        torch.testing.assert_close(together[one], alone, **CLOSE)


def test_inversion_refuses_what_leads_nowhere():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    with pytest.raises(InputError, match="above 0"):
        inversion_times(TIMES, 0.0)
    with pytest.raises(InputError, match="to more noise"):
        inverted(prior, drawn(), [TIMES, TIMES - 1], cond, uncond, PLAIN)
    with pytest.raises(InputError, match="a generator for each"):
        inverted(prior, drawn(), [TIMES - 1, TIMES], cond, uncond, PLAIN, eta=0.3)


def test_ism_in_small_steps_is_the_closed_form():
    """``(x - m) / k [sigma_t / sqrt(alpha_t^2 k^2 + sigma_t^2) - the same at s]``."""
    prior = Normal(VAR)
    cond = prior.embed(["2"] * 3)
    times = torch.tensor([300.0, 500.0, 700.0], dtype=torch.float64)
    found = ism_gradient(
        prior, drawn(), times, cond, cond, PLAIN, interval=80.0, stride=1.0, weight="uniform"
    ).gradient

    def share(at: Tensor) -> Tensor:
        alpha, sigma = prior.spec.schedule.alpha_sigma(at)
        return sigma / (alpha**2 * VAR + sigma**2).sqrt()

    factor = (share(times) - share(times - 80.0)) / math.sqrt(VAR)
    expected = per_sample(factor, drawn()) * (drawn() - 2.0)
    # Inversion in unit steps, and one step of 80.
    torch.testing.assert_close(found, expected, rtol=0.12, atol=0.02)


def test_ism_is_zero_at_the_mean_and_draws_nothing():
    prior = Normal(VAR)
    cond = prior.embed(["2"] * 3)
    still = torch.full_like(drawn(), 2.0)
    found = ism_gradient(prior, still, TIMES, cond, cond, PLAIN)
    # Time 0 of a table is not quite clean: alpha is 1 - 2e-5 there.
    torch.testing.assert_close(found.gradient, torch.zeros_like(still), rtol=0, atol=1e-5)
    twice = [ism_gradient(prior, drawn(), TIMES, cond, cond, PLAIN).gradient for _ in range(2)]
    assert torch.equal(*twice)
    with pytest.raises(InputError, match="does not fit before"):
        ism_gradient(prior, drawn(), TIMES, cond, cond, PLAIN, interval=121.0)


def test_sdi_is_sds_with_the_inversions_noise():
    prior = Normal(VAR)
    cond, uncond = told(prior)
    found = sdi_gradient(prior, drawn(), TIMES, cond, uncond, STRONG, inversion_scale=-7.5, eta=0.0)
    times = [TIMES * (step / 10) for step in range(11)]
    noised = inverted(prior, drawn(), times, uncond, cond, CFG(guidance_scale=8.5))
    alpha, sigma = levels(prior)
    noise = (noised - alpha * drawn()) / sigma
    expected = sds_gradient(prior, drawn(), TIMES, noise, cond, uncond, STRONG, "reconstruction")
    torch.testing.assert_close(found.gradient, expected.gradient, **CLOSE)
    # With this weight the target is what the prior sees.
    torch.testing.assert_close(found.gradient, drawn() - found.denoised, rtol=1e-8, atol=1e-9)


def test_sdi_repeats_with_the_same_generators_and_only_with_them():
    prior = Normal(VAR)
    cond, uncond = told(prior)

    def found(seed: int) -> Tensor:
        generators = [torch.Generator().manual_seed(seed + row) for row in range(3)]
        return sdi_gradient(
            prior, drawn(), TIMES, cond, uncond, STRONG, eta=0.3, generators=generators
        ).gradient

    assert torch.equal(found(0), found(0))
    assert not torch.equal(found(0), found(10))


# -------------------------------------------------------------------------- RFDS, HiFA


@pytest.mark.parametrize("flow", [False, True])
def test_rfds_is_sds_times_one_plus_the_noise_to_signal_ratio(flow):
    prior = Normal(VAR, "velocity", flow)
    call = (drawn(), TIMES, drawn(1), *told(prior), STRONG)
    found = rfds_gradient(prior, *call).gradient
    sds = sds_gradient(prior, *call, "uniform").gradient
    alpha, sigma = levels(prior)
    expected = torch.sigmoid(sigma / (alpha + sigma)) * (1 + sigma / alpha) * sds
    torch.testing.assert_close(found, expected, **CLOSE)


def test_picture_gradient_pulls_to_the_decoded_estimate():
    prior = Normal(VAR)
    distilled = sds_gradient(prior, drawn(), TIMES, drawn(1), *told(prior), STRONG)
    pictures = drawn(4)
    found = picture_gradient(prior, pictures, distilled, TIMES, "uniform")
    alpha, sigma = levels(prior)
    expected = alpha / sigma * (pictures - 2 * distilled.denoised)
    torch.testing.assert_close(found, expected, **CLOSE)


# --------------------------------------------------------------------- guidance, weights


@pytest.mark.parametrize("gradient", [sds_gradient, sjc_gradient, rfds_gradient])
def test_scale_one_never_asks_for_the_unconditional(gradient):
    """A hidden ``s + 1`` would."""
    prior = TwoSpreads(VAR, 1.2)
    cond, uncond = told(prior)
    call = (drawn(), TIMES, drawn(1), cond)
    torch.testing.assert_close(
        gradient(prior, *call, uncond, PLAIN).gradient,
        gradient(prior, *call, cond, STRONG).gradient,
        **CLOSE,
    )


@pytest.mark.parametrize("scale", [1.0, 7.5, 25.0, 100.0])
def test_guided_fixed_point_is_over_saturated_as_computed(scale):
    """``x* = s A_c m / (s A_c - (s - 1) A_u)`` at one noise level, whatever the weight."""
    prior = TwoSpreads(VAR, 4 * VAR)
    cond, uncond = told(prior)
    alpha, sigma = prior.spec.schedule.alpha_sigma(TIMES)
    a_cond, a_uncond = (1 / (alpha**2 * var + sigma**2) for var in (VAR, 4 * VAR))
    still = scale * a_cond * 2 / (scale * a_cond - (scale - 1) * a_uncond)
    latents = per_sample(still, drawn()).expand_as(drawn()).clone()
    both = [
        sds_gradient(
            prior, latents, TIMES, sign * drawn(1), cond, uncond, CFG(guidance_scale=scale)
        ).gradient
        for sign in (1, -1)
    ]
    torch.testing.assert_close(both[0] + both[1], torch.zeros_like(latents), rtol=0, atol=1e-9)


def test_weights_are_their_formulas():
    schedule = Normal(VAR).spec.schedule
    alpha, sigma = schedule.alpha_sigma(TIMES)
    expected = {
        "sigma_squared": sigma**2, "uniform": torch.ones(3, dtype=torch.float64),
        "reconstruction": sigma / alpha, "alpha_sigma_squared": alpha * sigma**2,
    }  # fmt: skip
    for name, value in expected.items():
        torch.testing.assert_close(weights(name, TIMES, schedule), value, **CLOSE)
