import math

import pytest
import torch

from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.gaussian_metrics import gaussian_metrics
from common.diffusion.gaussian_prior import build_gaussian_prior
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import Prior
from common.diffusion.schedule_config import FlowSchedule, ScaledLinearSchedule
from common.errors import InputError
from common.seeding import generators_for
from tests.common.diffusion.small_priors import isotropic_prior, means_of, prior_of

SIZE = (16, 16)


@pytest.fixture(scope="module")
def prior():
    return build_gaussian_prior(GaussianPriorConfig(), SIZE)


def drawn(prior, prompts, seed=0):
    return prior.draw(prior.embed(prompts), generators_for(seed, range(len(prompts)), "draw"))


def test_is_a_prior_of_rgba_pictures_and_clips(prior):
    as_prior: Prior = prior
    assert as_prior.spec.latent_shape == (4, 16, 16)
    assert as_prior.spec.image_channels == 4
    clip = build_gaussian_prior(GaussianPriorConfig(num_variants=1), (3, 16, 16))
    assert clip.spec.latent_shape == (4, 3, 16, 16)
    latents = drawn(prior, ["a red ball"])
    assert torch.equal(prior.decode(prior.encode(latents)), latents)


@pytest.mark.parametrize("schedule", [ScaledLinearSchedule(), FlowSchedule()], ids=["vp", "flow"])
def test_every_kind_of_prediction_says_the_same(schedule):
    means = means_of(3, (1, 4, 4))
    priors = {
        kind: prior_of(means, schedule=schedule, prediction=kind)
        for kind in ("eps", "x0", "v", "velocity")
    }
    latents = means_of(3, (1, 4, 4), seed=1)
    timesteps = torch.tensor([5.0, 500.5, 998.0])
    for source, one in priors.items():
        for target, other in priors.items():
            converted = convert_prediction(
                one.predict(latents, timesteps, one.embed([""] * 3)),
                source,
                target,
                latents,
                timesteps,
                one.spec.schedule,
            )
            expected = other.predict(latents, timesteps, other.embed([""] * 3))
            torch.testing.assert_close(converted, expected, atol=1e-10, rtol=0)


def test_predictions_are_defined_at_both_ends_of_a_flow():
    means = means_of(2, (1, 4, 4))
    latents = means_of(2, (1, 4, 4), seed=1)
    for kind in ("eps", "x0", "v", "velocity"):
        flow = prior_of(means, schedule=FlowSchedule(), prediction=kind)
        ends = flow.predict(latents, torch.tensor([0.0, 1000.0]), flow.embed(["", ""]))
        assert bool(ends.isfinite().all())
    clean = prior_of(means, schedule=FlowSchedule(), prediction="x0")
    zero = torch.zeros(2)
    torch.testing.assert_close(clean.predict(latents, zero, clean.embed(["", ""])), latents)


def test_score_is_minus_the_noise_over_sigma(prior):
    small = prior_of(means_of(3, (2, 4, 4)), prediction="eps")
    latents = means_of(2, (2, 4, 4), seed=3).requires_grad_()
    timesteps, cond = torch.tensor([50.0, 700.0]), small.embed(["mode0", ""])
    (score,) = torch.autograd.grad(small.log_prob(latents, timesteps, cond).sum(), latents)
    sigma = small.spec.schedule.sigma(timesteps).reshape(2, 1, 1, 1)
    expected = -small.predict(latents, timesteps, cond) / sigma
    torch.testing.assert_close(score, expected, atol=1e-10, rtol=1e-10)


def test_each_sample_follows_its_own_prompt(prior):
    prompts = ["a red ball", "", "a small blue star"]
    latents = drawn(prior, ["a red ball", "a green drop", "a small blue star"])
    timesteps = torch.full((3,), 600.0)
    together = prior.predict(latents, timesteps, prior.embed(prompts))
    for row, prompt in enumerate(prompts):
        one = slice(row, row + 1)
        alone = prior.predict(latents[one], timesteps[one], prior.embed([prompt]))
        torch.testing.assert_close(together[one], alone, atol=1e-5, rtol=0)  # float32 products


def test_prompt_keeps_only_the_modes_and_fields_it_needs(prior):
    cond = prior.embed(["a small red ball", "a small red ball"])
    assert cond.mixture.num_modes == 1
    assert len(cond.mixture.fields) == 4  # background and three of the scene
    assert cond.log_weights.tolist() == [[0.0], [0.0]]


def test_default_clip_prior_stays_small():
    prior = build_gaussian_prior(GaussianPriorConfig(), (16, 32, 32))
    stored = sum(
        value.numel() * value.element_size()
        for value in vars(prior.mixture).values()
        if isinstance(value, torch.Tensor)
    )
    whole = prior.mixture.num_modes * math.prod(prior.spec.latent_shape) * 4
    assert prior.mixture.num_modes == 896
    assert stored < whole / 6


def test_wrong_sizes_and_prompts_are_refused(prior):
    with pytest.raises(InputError, match=r"at least 8 x 8 pixels, got size \(4, 16\)"):
        build_gaussian_prior(GaussianPriorConfig(), (4, 16))
    with pytest.raises(InputError, match=r"has latents \(4, 16, 16\), got \(3, 16, 16\)"):
        prior.predict(torch.zeros(1, 3, 16, 16), torch.tensor([5.0]), prior.embed([""]))
    with pytest.raises(InputError, match=r"names nothing that this prior knows; did you mean 'red"):
        prior.embed(["a redd bicycle"])
    with pytest.raises(ValueError, match=r"eps prediction says nothing at zero terminal SNR"):
        GaussianPriorConfig(prediction="eps", schedule=ScaledLinearSchedule(zero_terminal_snr=True))


def test_metrics_of_true_samples_are_those_of_the_prior(prior):
    prompts = ["a red ball", "a blue star", "a heart", "a small white flower"]
    metrics = gaussian_metrics(prior, drawn(prior, prompts), prior.embed(prompts))
    # Mahalanobis^2 / 1024 of four true samples: error sqrt(2 / 1024) = 0.044 each.
    assert float((metrics.typicality - 1).abs().max()) < 0.2
    assert float(metrics.prompt_match.min()) > 1 - 1e-9
    variances = prior.mixture.variances[0][prior.mixture.band_of]
    entropy = 0.5 * (1 + math.log(2 * math.pi) + float(variances.log().mean()))
    num_modes = prior.embed(prompts).matches.sum(1).double()
    expected = entropy + num_modes.log() / 1024
    torch.testing.assert_close(metrics.nll_per_dim, expected, atol=0.1, rtol=0)


def test_metrics_see_a_wrong_scene_a_blur_and_a_mixture(prior):
    cond = prior.embed(["a red ball"])
    wrong = gaussian_metrics(prior, drawn(prior, ["a blue star"]), cond)
    assert float(wrong.prompt_match) < 1e-9
    assert float(wrong.typicality) > 10
    mean = prior.embed(["large red ball"]).mixture.means()
    assert float(gaussian_metrics(prior, mean, cond).typicality) < 1e-6
    two = isotropic_prior(means_of(2, (1, 2, 2)), 1.0, weights=[3.0, 1.0])
    between = two.mixture.means().mean(0, keepdim=True)
    halfway = gaussian_metrics(two, between, two.embed(["mode0"]))
    # Equally far from both modes, so the posterior is the weights.
    assert float(halfway.prompt_match) == pytest.approx(0.75, abs=1e-9)
