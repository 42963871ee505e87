"""Classifier guidance against closed forms: Gaussian mixtures, whose classifiers are exact."""

import pytest
import torch

from common.diffusion.classifier_guidance import class_gradient, classifier_shift
from common.diffusion.guidance_config import CFG, ClassifierGuidance
from common.diffusion.guided_prediction import guided_prediction
from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.prediction import convert_prediction
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.diffusion.schedule_config import CosineSchedule, FlowSchedule, ScaledLinearSchedule
from common.errors import InputError
from tests.common.diffusion.small_priors import isotropic_prior, means_of

MEANS = means_of(3, (1, 2, 3))
LATENTS = means_of(2, (1, 2, 3), seed=7)
DEVIATION = 0.4
KINDS = [
    ("eps", ScaledLinearSchedule(), (300.0, 700.0)),
    ("x0", ScaledLinearSchedule(), (300.0, 700.0)),
    ("v", CosineSchedule(), (300.0, 700.0)),
    ("velocity", FlowSchedule(), (300.0, 1000.0)),
]


def guide(prior, guidance, timesteps, told="mode0", untold=""):
    cond, uncond = prior.embed([told] * 2), prior.embed([untold] * 2)
    return guided_prediction(
        prior, LATENTS, torch.tensor(timesteps), cond, uncond, guidance
    ).prediction


def test_gradient_is_that_of_the_softmax_of_linear_functions():
    """Equal covariances ``c = alpha^2 d^2 + sigma^2``: the logits are linear in the latent.

    ``grad log p(y | z) = (alpha / c) (mean_y - sum_k p(k | z) mean_k)``.
    """
    prior = isotropic_prior(MEANS, DEVIATION, schedule=CosineSchedule(), prediction="v")
    timesteps = torch.tensor([300.0, 700.0])
    alpha, sigma = prior.spec.schedule.alpha_sigma(timesteps)
    spread = alpha**2 * DEVIATION**2 + sigma**2
    distances = (LATENTS[:, None] - alpha[:, None, None, None, None] * MEANS).flatten(2)
    shares = (-(distances**2).sum(2) / (2 * spread[:, None])).softmax(1)
    pull = MEANS[1] - torch.einsum("bk,kchw->bchw", shares, MEANS)
    expected = (alpha / spread).reshape(2, 1, 1, 1) * pull
    found = class_gradient(prior, LATENTS, timesteps, prior.embed(["mode1"] * 2))
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)


def test_log_probabilities_of_all_classes_sum_to_one():
    prior = isotropic_prior(MEANS, DEVIATION)
    timesteps = torch.tensor([300.0, 700.0])
    each = [
        prior.class_log_probability(LATENTS, timesteps, prior.embed([f"mode{number}"] * 2))
        for number in range(3)
    ]
    total = torch.stack(each).logsumexp(0)
    torch.testing.assert_close(total, torch.zeros_like(total), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("kind", "schedule", "timesteps"), KINDS)
@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
def test_exact_classifier_on_the_unconditional_prior_is_classifier_free_guidance(
    kind, schedule, timesteps, scale
):
    """Bayes' rule: ``score(z | y) - score(z) = grad log p(y | z)``, in every kind of prediction."""
    if kind == "velocity":
        timesteps = (300.0, 900.0)
    prior = isotropic_prior(MEANS, DEVIATION, schedule=schedule, prediction=kind)
    expected = guide(prior, CFG(guidance_scale=scale), timesteps)
    by_class = ClassifierGuidance(guidance_scale=0, classifier_scale=scale)
    found = guide(prior, by_class, timesteps)
    # Larger where the signal is 1/10 and little is left of 16 digits.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-10 * scale)


@pytest.mark.parametrize(("kind", "schedule", "timesteps"), KINDS[:3])
def test_shift_is_that_of_the_noise_in_every_kind(kind, schedule, timesteps):
    """Eq. of Algorithm 2 in eps, converted exactly."""
    schedule, gradient = build_noise_schedule(schedule), means_of(2, (1, 2, 3), seed=11)
    times = torch.tensor(timesteps)
    alpha, sigma = schedule.alpha_sigma(times)
    prediction = means_of(2, (1, 2, 3), seed=12)
    moved = prediction + classifier_shift(gradient, 2.5, kind, alpha, sigma)
    here = (LATENTS, times, schedule)
    before, after = (convert_prediction(p, kind, "eps", *here) for p in (prediction, moved))
    expected = -2.5 * sigma.reshape(2, 1, 1, 1) * gradient
    torch.testing.assert_close(after - before, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 5.0])
def test_scale_zero_is_cfg_to_the_bit(scale):
    prior = isotropic_prior(MEANS, DEVIATION, prediction="v")
    none = ClassifierGuidance(guidance_scale=scale, classifier_scale=0, rescale=0.3)
    expected = guide(prior, CFG(guidance_scale=scale, rescale=0.3), (300.0, 700.0))
    assert torch.equal(guide(prior, none, (300.0, 700.0)), expected)


def test_samples_outside_the_interval_are_left():
    prior = isotropic_prior(MEANS, DEVIATION, prediction="v")
    guidance = ClassifierGuidance(guidance_scale=1, classifier_scale=3, interval=(0.0, 0.5))
    found = guide(prior, guidance, (300.0, 700.0))
    plain = guide(prior, CFG(guidance_scale=1), (300.0, 700.0))
    assert torch.equal(found[1], plain[1])
    assert not torch.equal(found[0], plain[0])


def test_no_signal_is_refused_with_the_fix():
    schedule = CosineSchedule(zero_terminal_snr=True)
    prior = isotropic_prior(MEANS, DEVIATION, schedule=schedule, prediction="v")
    guidance = ClassifierGuidance(classifier_scale=1)
    with pytest.raises(InputError, match=r"zero_terminal_snr=false, or end guidance\.interval"):
        guide(prior, guidance, (300.0, 999.0))
    below = guidance.model_copy(update={"interval": (0.0, 0.9)})
    assert guide(prior, below, (300.0, 999.0)).isfinite().all()


def test_a_prior_without_classifier_is_refused():
    class Plain:
        def __init__(self, prior):
            self.spec, self.embed, self.predict = prior.spec, prior.embed, prior.predict
            self.encode, self.decode = prior.encode, prior.decode

    prior = Plain(isotropic_prior(MEANS, DEVIATION))
    with pytest.raises(InputError, match="needs a prior that classifies its noised latents"):
        guide(prior, ClassifierGuidance(), (300.0, 700.0))


def test_sampling_by_the_classifier_ends_at_the_class():
    """The unconditional prior and its classifier together are the conditional prior."""
    prior = isotropic_prior(MEANS, 0.05, schedule=CosineSchedule(), prediction="v")
    scheduler = build_scheduler(DDIM(num_steps=50), prior.spec.schedule, "v")
    start = means_of(4, (1, 2, 3), seed=3)
    generators = [torch.Generator() for _ in range(4)]
    cond, uncond = prior.embed(["mode2"] * 4), prior.embed([""] * 4)
    guidance = ClassifierGuidance(guidance_scale=0, classifier_scale=1)
    *_, last = sample(prior, scheduler, cond, uncond, guidance, start, generators)
    distances = (last.latents[:, None] - MEANS).square().flatten(2).mean(2).sqrt()
    assert (distances.argmin(1) == 2).all()
    assert float(distances[:, 2].max()) < 0.2, "within four deviations of the mode"
