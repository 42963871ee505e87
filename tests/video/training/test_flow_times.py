"""Noise levels of flow training."""

import math

import pytest
import torch
from scipy import stats

from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.schedule_config import FlowSchedule
from video.training.flow_times import FlowTimes, draw_flow_timesteps


def drawn(shift, **changes):
    schedule = build_noise_schedule(FlowSchedule(shift=shift))
    generator = torch.Generator().manual_seed(0)
    times = draw_flow_timesteps(FlowTimes(**changes), 4000, schedule, generator)
    return schedule.fraction(times).double().numpy()


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_logit_is_normal_and_moved_by_the_logarithm_of_the_shift(shift):
    times = drawn(shift, mean=0.3, std=0.8, uniform_share=0.0)
    expected = stats.norm(loc=0.3 + math.log(shift), scale=0.8)
    # Kolmogorov and Smirnov: 4,000 right draws stay below 0.026 in 99 of 100 cases.
    assert stats.kstest(stats.logistic.ppf(times), expected.cdf).statistic < 0.026


def test_shift_moves_times_as_diffusers_moves_sampling_steps():
    from diffusers import FlowMatchEulerDiscreteScheduler

    plain, moved = drawn(1.0, uniform_share=0.0), drawn(3.0, uniform_share=0.0)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    scheduler.set_timesteps(sigmas=plain)
    assert scheduler.sigmas[:-1].numpy() == pytest.approx(moved, abs=1e-5)


def test_a_share_is_uniform():
    times = drawn(3.0, uniform_share=1.0)
    assert stats.kstest(times, stats.uniform.cdf).statistic < 0.026
    assert times.min() >= 0
    assert times.max() <= 1
