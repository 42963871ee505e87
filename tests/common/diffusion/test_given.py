"""Where samples begin that are made from something given."""

import pytest
import torch

from common.diffusion.given import Given, beginning, cells_drawn, first_evaluation, num_taken
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M, FlowEuler, Heun
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from tests.common.diffusion.sampling import FLOW, TABLE, noise_of, small_prior


@pytest.mark.parametrize(("strength", "num_steps", "begin"), [
    (1.0, 25, 0), (0.6, 25, 10), (0.59, 25, 11), (0.29, 100, 71), (0.04, 25, 24), (0.5, 1, None),
    (0.03, 25, None),
])  # fmt: skip
def test_the_last_share_of_the_steps_is_taken(strength, num_steps, begin):
    sampler = DPMSolverPP2M(num_steps=num_steps)
    if begin is None:
        with pytest.raises(InputError, match=f"use at least {1 / num_steps:.3g}"):
            first_evaluation(sampler, strength)
        return
    assert first_evaluation(sampler, strength) == begin
    assert num_taken(sampler, strength) == num_steps - begin


def test_heun_begins_at_whole_steps():
    assert first_evaluation(Heun(num_steps=10), 0.5) == 10
    assert num_taken(Heun(num_steps=10), 0.5) == 9
    assert num_taken(Heun(num_steps=10), 1.0) == 19


@pytest.mark.parametrize(("config", "schedule"), [(DDIM(num_steps=10), TABLE),
                                                  (FlowEuler(num_steps=10), FLOW)])  # fmt: skip
def test_given_latents_are_noised_to_the_level_of_the_first_evaluation(config, schedule):
    prior = small_prior(schedule)
    scheduler = build_scheduler(config, prior.spec.schedule, "v")
    noise = noise_of(prior, range(3))
    latents = torch.full(prior.spec.latent_shape, 0.7)
    begin = beginning(Given(latents, 0.4), scheduler, noise)
    alpha, sigma = prior.spec.schedule.alpha_sigma(scheduler.timesteps[6].float()[None])
    torch.testing.assert_close(begin.latents, (alpha * latents + sigma * noise).float())
    assert begin.evaluation == 6
    assert begin.kept is None


def test_full_strength_begins_with_noise_alone():
    prior = small_prior(TABLE)
    scheduler = build_scheduler(DDIM(num_steps=10), prior.spec.schedule, "v")
    noise = noise_of(prior, range(2))
    mask = torch.zeros(1, 4, 4)
    begin = beginning(Given(torch.ones(2, 4, 4), 1.0, mask), scheduler, noise)
    assert torch.equal(begin.latents, noise)
    assert begin.kept is not None
    assert begin.kept.drawn.shape == (2, 1, 4, 4)
    assert torch.equal(beginning(None, scheduler, noise).latents, noise)


def test_cells_with_any_pixel_to_draw_are_drawn():
    mask = torch.zeros(16, 24)
    mask[7, 16] = 1
    drawn = cells_drawn(mask, (2, 3))
    assert drawn.tolist() == [[[0, 0, 1], [0, 0, 0]]]
