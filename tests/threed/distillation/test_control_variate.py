import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.noise_schedule import per_sample
from common.errors import InputError
from tests.threed.distillation.normal_prior import Normal, drawn
from threed.distillation.control_variate import coefficients, learnt, no_past
from threed.distillation.scores import predicted_noise
from threed.distillation.sds import sds_gradient

VAR = 0.3
TIMES = torch.tensor([120.0, 480.0, 810.0], dtype=torch.float64)


def taught(prior, steps=400, seed=0):
    """Coefficients learnt at three levels of noise, from latents about the mean."""
    past, generator = no_past(), torch.Generator().manual_seed(seed)
    cond = prior.embed(["2"] * 3)
    for _ in range(steps):
        noise = torch.randn(3, 2, 3, 4, generator=generator, dtype=torch.float64)
        noised = prior.spec.schedule.add_noise(drawn(), noise, TIMES)
        past = learnt(past, predicted_noise(prior, noised, TIMES, cond), noise, TIMES,
                      prior.spec.schedule, fade=1.0)  # fmt: skip
    return past


def test_without_a_past_it_is_sds():
    schedule = Normal(VAR).spec.schedule
    assert torch.equal(coefficients(no_past(), TIMES, schedule), torch.ones(3, dtype=torch.float64))


def test_learnt_coefficient_is_the_closed_form():
    prior = Normal(VAR)
    alpha, sigma = prior.spec.schedule.alpha_sigma(TIMES)
    expected = sigma**2 / (alpha**2 * VAR + sigma**2)
    found = coefficients(taught(prior), TIMES, prior.spec.schedule)
    # 400 x 24 products; the latent itself adds noise of the order of 1 / sqrt(9,600).
    torch.testing.assert_close(found, expected, rtol=0, atol=0.08)


def test_learnt_baseline_varies_less_than_one_and_none():
    prior = Normal(VAR)
    schedule, cond = prior.spec.schedule, prior.embed(["2"] * 3)
    best = per_sample(coefficients(taught(prior), TIMES, schedule), drawn())

    def spread(coefficient):
        draws = []
        for seed in range(100, 200):
            noised = schedule.add_noise(drawn(), drawn(seed), TIMES)
            draws.append(predicted_noise(prior, noised, TIMES, cond) - coefficient * drawn(seed))
        return torch.stack(draws).var(0).mean((1, 2, 3))

    ours, sds, none = spread(best), spread(1.0), spread(0.0)
    assert bool((ours < 0.2 * torch.minimum(sds, none)).all())


def test_mean_of_the_gradient_stays_as_it_is():
    prior = Normal(VAR)
    schedule, cond = prior.spec.schedule, prior.embed(["2"] * 3)
    noise = drawn(1)
    coefficient = per_sample(coefficients(taught(prior, 20), TIMES, schedule), noise)
    with_it, sds = [], []
    for sign in (1, -1):  # antithetic: what is odd in the noise cancels
        noised = schedule.add_noise(drawn(), sign * noise, TIMES)
        seen = predicted_noise(prior, noised, TIMES, cond)
        with_it.append(seen - coefficient * sign * noise)
        sds.append(
            sds_gradient(prior, drawn(), TIMES, sign * noise, cond, cond, CFG(guidance_scale=1.0),
                         "uniform").gradient
        )  # fmt: skip
    torch.testing.assert_close(sum(with_it), sum(sds), rtol=1e-10, atol=1e-12)


def test_learning_does_not_change_the_past_and_touches_one_level():
    prior = Normal(VAR)
    before = no_past()
    after = learnt(before, drawn(), drawn(1), TIMES, prior.spec.schedule)
    assert not bool(before.squares.any())
    assert int((after.squares > 0).sum()) == 3


def test_old_steps_fade():
    schedule = Normal(VAR).spec.schedule
    time, noise = TIMES[:1], drawn(1, 1)
    past = no_past()
    for predicted in (3 * noise, *[0.5 * noise] * 400):
        past = learnt(past, predicted, noise, time, schedule, fade=0.9)
    assert float(coefficients(past, time, schedule)) == pytest.approx(0.5, abs=1e-6)
    with pytest.raises(InputError, match="fade"):
        learnt(past, noise, noise, time, schedule, fade=0.0)
