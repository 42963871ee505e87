import pytest
import torch
from pydantic import ValidationError

from common.diffusion.guidance_config import APG, CFG, Composed, ConditionConfig, PerpNeg
from common.diffusion.guided_prediction import Negative, guided_prediction
from common.diffusion.prediction import convert_prediction
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.diffusion.schedule_config import CosineSchedule
from common.errors import InputError
from tests.common.diffusion.small_priors import isotropic_prior, means_of, prior_of

MEANS = means_of(3, (1, 2, 3))
LATENTS = means_of(2, (1, 2, 3), seed=7)
TIMESTEPS = torch.tensor([300.0, 700.0])


class Counted:
    """A prior that counts its evaluations."""

    def __init__(self, prior):
        self.spec, self.embed, self.prior = prior.spec, prior.embed, prior
        self.encode, self.decode = prior.encode, prior.decode
        self.calls = 0

    def predict(self, latents, timesteps, cond):
        self.calls += 1
        return self.prior.predict(latents, timesteps, cond)


def two_points(deviation=0.4, **settings):
    """Mode 0 is the prompt's, mode 1 stands for the unconditional prior."""
    return isotropic_prior(MEANS, deviation, **settings)


def guide(prior, guidance, timesteps=TIMESTEPS, **settings):
    cond, uncond = prior.embed(["mode0"] * 2), prior.embed(["mode1"] * 2)
    return guided_prediction(prior, LATENTS, timesteps, cond, uncond, guidance, **settings)


@pytest.mark.parametrize(
    ("guidance", "timesteps", "calls"),
    [
        (CFG(guidance_scale=1), TIMESTEPS, 1),
        (APG(guidance_scale=1), TIMESTEPS, 1),
        (CFG(guidance_scale=3), TIMESTEPS, 2),
        (CFG(guidance_scale=3, interval=(0.0, 0.2)), TIMESTEPS, 1),
        (CFG(guidance_scale=3, interval=(0.0, 0.5)), TIMESTEPS, 2),
        (CFG(guidance_scale=3, interval=(0.8, 1.0)), TIMESTEPS, 1),
    ],
)
def test_other_conditions_are_evaluated_only_where_they_count(guidance, timesteps, calls):
    prior = Counted(two_points())
    guide(prior, guidance, timesteps)
    assert prior.calls == calls


def test_perp_neg_acts_at_scale_one_and_evaluates_each_negative():
    prior = Counted(two_points())
    negative = Negative(prior.embed(["mode2"] * 2), torch.ones(2))
    guided = guide(prior, PerpNeg(guidance_scale=1), negatives=[negative])
    assert prior.calls == 3
    moved = guided.prediction - guide(prior, CFG(guidance_scale=1)).prediction
    assert float(moved.abs().max()) > 0.01


def test_interval_is_decided_for_each_sample():
    prior = two_points()
    guidance = CFG(guidance_scale=3, interval=(0.0, 0.5))
    got = guide(prior, guidance).prediction
    everywhere = guide(prior, CFG(guidance_scale=3)).prediction
    nowhere = guide(prior, CFG(guidance_scale=1)).prediction
    assert torch.equal(got[0], everywhere[0])
    assert torch.equal(got[1], nowhere[1])


@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "velocity"])
@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5, 7.5])
def test_guided_gaussian_is_the_gaussian_of_the_extrapolated_mean(scale, prediction):
    """Of equal covariances: ``mean_u + s (mean_c - mean_u)``, at every level, in every kind."""
    prior = two_points(prediction=prediction)
    extrapolated = MEANS[1] + scale * (MEANS[0] - MEANS[1])
    expected = isotropic_prior(extrapolated[None], 0.4, prediction=prediction)
    guided = guide(prior, CFG(guidance_scale=scale)).prediction
    there = expected.predict(LATENTS, TIMESTEPS, expected.embed(["", ""]))
    torch.testing.assert_close(guided, there, atol=1e-10, rtol=0)


def composed_of(*weights, **settings):
    conditions = [{"prompt": f"p{place}", "weight": one} for place, one in enumerate(weights)]
    conditions = tuple(ConditionConfig(**one) for one in conditions)
    return Composed(conditions=conditions, **settings)


@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "velocity"])
@pytest.mark.parametrize("scale", [0.0, 1.0, 4.0])
def test_composed_gaussian_is_the_gaussian_of_the_summed_moves(scale, prediction):
    """Of equal covariances: ``mean_u + s sum_i w_i (mean_i - mean_u)``; each sample its weights."""
    means = means_of(4, (1, 2, 3))
    prior = isotropic_prior(means, 0.4, prediction=prediction)
    weights = {"mode2": torch.tensor([0.7, 0.2]), "mode3": torch.tensor([-0.4, 0.0])}
    further = [Negative(prior.embed([mode] * 2), weight) for mode, weight in weights.items()]
    cond, uncond = prior.embed(["mode0"] * 2), prior.embed(["mode1"] * 2)
    guided = guided_prediction(
        prior, LATENTS, TIMESTEPS, cond, uncond, composed_of(1, 1, guidance_scale=scale), further
    ).prediction
    for sample_ in range(2):
        moved = means[0] - means[1]
        moved = moved + sum(
            float(weight[sample_]) * (means[int(mode[-1])] - means[1])
            for mode, weight in weights.items()
        )
        expected = isotropic_prior((means[1] + scale * moved)[None], 0.4, prediction=prediction)
        there = expected.predict(LATENTS, TIMESTEPS, expected.embed(["", ""]))
        # The weights are float32, as prompts' are.
        torch.testing.assert_close(guided[sample_], there[sample_], atol=1e-6, rtol=0)


def test_composed_counts_its_conditions_and_leaves_those_outside_the_interval():
    prior = Counted(two_points())
    further = [Negative(prior.embed(["mode2"] * 2), torch.ones(2))]
    guide(prior, composed_of(1, guidance_scale=1), negatives=further)
    assert prior.calls == 3
    guide(prior, composed_of(1, interval=(0.0, 0.2)), negatives=further)
    assert prior.calls == 4
    with pytest.raises(InputError, match="composed has 2 conditions, and 1 are told"):
        guide(prior, composed_of(1, 1), negatives=further)
    with pytest.raises(InputError, match="separate prompts are for perp_neg and composed"):
        guide(prior, CFG(), negatives=further)
    with pytest.raises(ValidationError, match="a prompt is there twice"):
        Composed(conditions=(ConditionConfig(prompt="a"), ConditionConfig(prompt="a")))


def test_guided_sampling_reaches_the_extrapolated_mean():
    prior = two_points(schedule=CosineSchedule(), prediction="v")
    scheduler = build_scheduler(DDIM(num_steps=100), prior.spec.schedule, "v")
    cond, uncond = prior.embed(["mode0"] * 2), prior.embed(["mode1"] * 2)
    start = torch.zeros(2, 1, 2, 3, dtype=torch.float64)
    generators = [torch.Generator(), torch.Generator()]
    *_, last = sample(prior, scheduler, cond, uncond, CFG(guidance_scale=4), start, generators)
    # From the middle of the noise the flow ends on the mean; alpha is 5e-5, not 0, at the start.
    expected = (MEANS[1] + 4 * (MEANS[0] - MEANS[1])).expand(2, -1, -1, -1)
    torch.testing.assert_close(last.latents, expected, atol=2e-3, rtol=0)


@pytest.mark.parametrize("scale", [2.0, 7.5, 100.0])
def test_wider_uncond_oversaturates_by_the_closed_form(scale):
    """The latent where the guided noise vanishes, for cond and uncond of other deviations.

    ``x* = (s A_c mean_c - (s - 1) A_u mean_u) / (s A_c - (s - 1) A_u)`` with
    ``A = sigma alpha / (alpha^2 deviation^2 + sigma^2)``.
    """
    deviations = torch.tensor([0.3, 0.6, 0.3], dtype=torch.float64)
    bands = torch.zeros(6, dtype=torch.int64)
    prior = prior_of(
        MEANS, deviations[:, None] ** 2, bands=bands, family_of=torch.arange(3), prediction="eps"
    )
    alpha, sigma = prior.spec.schedule.alpha_sigma(TIMESTEPS)
    a_c, a_u = (sigma * alpha / (alpha**2 * d**2 + sigma**2) for d in deviations[:2])
    top = [scale * c * MEANS[0] - (scale - 1) * u * MEANS[1] for c, u in zip(a_c, a_u, strict=True)]
    bottom = scale * a_c - (scale - 1) * a_u
    fixed = torch.stack(top) / bottom.reshape(2, 1, 1, 1)
    cond, uncond = prior.embed(["mode0"] * 2), prior.embed(["mode1"] * 2)
    noised = alpha.reshape(2, 1, 1, 1) * fixed
    guided = guided_prediction(prior, noised, TIMESTEPS, cond, uncond, CFG(guidance_scale=scale))
    torch.testing.assert_close(
        guided.prediction, torch.zeros_like(fixed), atol=1e-9 * scale, rtol=0
    )


@pytest.mark.parametrize("prediction", ["eps", "x0", "v", "velocity"])
def test_apg_is_the_same_for_every_kind_of_prediction(prediction):
    guidance = APG(guidance_scale=5, max_rms=0.3)
    prior = two_points(prediction=prediction)
    got = guide(prior, guidance).prediction
    schedule = prior.spec.schedule
    got = convert_prediction(got, prediction, "x0", LATENTS, TIMESTEPS, schedule)
    expected = guide(two_points(prediction="x0"), guidance).prediction
    torch.testing.assert_close(got, expected, atol=1e-10, rtol=0)


def test_apg_momentum_sums_earlier_directions():
    prior = two_points(prediction="x0")
    guidance = APG(guidance_scale=2, parallel=1, max_rms=None, momentum=-0.5)
    cond, uncond = guide(prior, CFG(guidance_scale=1)), guide(prior, CFG(guidance_scale=0))
    direction = cond.prediction - uncond.prediction
    first = guide(prior, guidance)
    torch.testing.assert_close(first.momentum, direction)
    second = guide(prior, guidance, momentum=first.momentum)
    torch.testing.assert_close(second.momentum, 0.5 * direction)
    torch.testing.assert_close(second.prediction, cond.prediction + 0.5 * direction)


def test_neutral_apg_equals_cfg_through_the_prior():
    neutral = APG(guidance_scale=6, parallel=1, max_rms=None, momentum=0)
    prior = two_points(prediction="v")
    torch.testing.assert_close(
        guide(prior, neutral).prediction, guide(prior, CFG(guidance_scale=6)).prediction
    )


def test_rescale_acts_on_the_priors_own_prediction():
    prior = two_points(prediction="v")
    plain = guide(prior, CFG(guidance_scale=1)).prediction
    got = guide(prior, CFG(guidance_scale=6, rescale=1.0)).prediction
    torch.testing.assert_close(got.std((1, 2, 3)), plain.std((1, 2, 3)))
