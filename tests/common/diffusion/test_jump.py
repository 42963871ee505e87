import math

import pytest
import torch
from diffusers import DDIMScheduler

from common.diffusion.jump import jumped, levels_of, v_of_jump
from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.schedule_config import CosineSchedule, FlowSchedule, ScaledLinearSchedule

SCHEDULES = (CosineSchedule(), ScaledLinearSchedule(), ScaledLinearSchedule(zero_terminal_snr=True))


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("config", SCHEDULES)
def test_a_jump_is_the_turn_between_two_noise_levels(config):
    schedule = build_noise_schedule(config)
    times, after = torch.tensor([999.0, 600.0, 10.0]), torch.tensor([500.0, 599.0, -1.0])
    levels = levels_of(schedule, times, after)
    turn = torch.atan2(levels.sigma, levels.alpha) - torch.atan2(
        levels.sigma_after, levels.alpha_after
    )
    torch.testing.assert_close(levels.of_latents, turn.cos())
    torch.testing.assert_close(levels.of_v, -turn.sin())


@pytest.mark.parametrize("config", SCHEDULES)
def test_true_v_leads_from_noise_level_to_noise_level_and_back(config):
    """Fixed points: with the true ``v`` of one clean latent and noise, a jump is exact."""
    schedule = build_noise_schedule(config)
    times, after = torch.tensor([999.0, 600.0, 400.0]), torch.tensor([500.0, 3.0, -1.0])
    clean, noise = normal(3, 4, 5, 6).double(), normal(3, 4, 5, 6, seed=1).double()
    levels = levels_of(schedule, times, after)
    alpha, sigma = (one.reshape(3, 1, 1, 1) for one in (levels.alpha, levels.sigma))
    at = alpha * clean + sigma * noise
    v = alpha * noise - sigma * clean
    there = jumped(at, v, levels)
    ends = (one.reshape(3, 1, 1, 1) for one in (levels.alpha_after, levels.sigma_after))
    signal, rest = ends
    torch.testing.assert_close(there, signal * clean + rest * noise)
    assert torch.equal(levels.alpha_after[2:], torch.ones(1).double())
    torch.testing.assert_close(there[2], clean[2])
    torch.testing.assert_close(v_of_jump(at, there, levels), v)


@pytest.mark.parametrize("num_steps", [1, 2, 4, 8])
def test_jumps_are_steps_of_diffusers_ddim(num_steps):
    ddim = DDIMScheduler(
        num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2", clip_sample=False,
        prediction_type="v_prediction", timestep_spacing="trailing",
    )  # fmt: skip
    ddim.set_timesteps(num_steps)
    schedule = build_noise_schedule(CosineSchedule())
    ends = [*ddim.timesteps.tolist()[1:], -1]
    for begin, end in zip(ddim.timesteps.tolist(), ends, strict=True):
        latents, v = normal(2, 3, 4, 4, seed=begin), normal(2, 3, 4, 4, seed=begin + 1)
        levels = levels_of(
            schedule, torch.full((2,), float(begin)), torch.full((2,), float(end))
        )  # fmt: skip
        expected = ddim.step(v, begin, latents).prev_sample
        # float32: diffusers takes differences of squares that we do not
        torch.testing.assert_close(jumped(latents, v, levels), expected, atol=1e-5, rtol=1e-5)


def test_one_jump_solves_a_gaussian():
    """Latents of deviation ``s``: the exact path keeps its place among the deviations.

    From ``z_t`` it leads to ``z_t d_s / d_t`` with ``d = sqrt(alpha^2 s^2 + sigma^2)``. The ``v``
    of that jump lies between the model's own at both ends, and is it in the limit of a short jump.
    """
    schedule, spread = build_noise_schedule(CosineSchedule()), 0.3

    def deviation(alpha, sigma):
        return (alpha**2 * spread**2 + sigma**2).sqrt()

    z = torch.full((1, 1, 1, 1), 1.3, dtype=torch.float64)
    at = torch.tensor([700.0])
    alpha, sigma = schedule.alpha_sigma(at)
    own = float(alpha * sigma * (1 - spread**2) / deviation(alpha, sigma) ** 2 * z)
    found = []
    for end in (300.0, 600.0, 699.0):
        levels = levels_of(schedule, at, torch.tensor([end]))
        there = z * deviation(levels.alpha_after, levels.sigma_after) / deviation(alpha, sigma)
        v = v_of_jump(z, there, levels)
        torch.testing.assert_close(jumped(z, v, levels), there)
        found.append(abs(float(v) - own))
    assert found[0] > found[1] > found[2]
    assert math.isclose(found[2], 0, abs_tol=2e-3)  # a thousandth of the way


def test_jumps_lead_to_less_noise_on_tables():
    table, flow = build_noise_schedule(CosineSchedule()), build_noise_schedule(FlowSchedule())
    with pytest.raises(ValueError, match="less noise"):
        levels_of(table, torch.tensor([5.0]), torch.tensor([5.0]))
    with pytest.raises(ValueError, match="not for flows"):
        levels_of(flow, torch.tensor([5.0]), torch.tensor([4.0]))
