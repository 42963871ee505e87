"""Which noise levels the training of a flow visits."""

import math

import torch
from pydantic import Field

from common.config import Config
from common.diffusion.noise_schedule import NoiseSchedule
from common.shapes import Timesteps


class FlowTimes(Config):
    """Times whose logit is normal, moved by a shift (Esser et al. 2024, arXiv 2403.03206)."""

    mean: float = Field(0.0, ge=-10, le=10)
    """Mean of the logit before the shift; above 0 prefers noisy times."""
    std: float = Field(1.0, gt=0, le=10)
    """Spread of the logit."""
    uniform_share: float = Field(0.2, ge=0, le=1)
    """Share of the times that are uniform, so that both ends are visited: a normal logit leaves the
    noisiest times out, where a prompt decides what a clip will be."""


def draw_flow_timesteps(
    config: FlowTimes, count: int, schedule: NoiseSchedule, generator: torch.Generator
) -> Timesteps:
    """Timesteps ``1000 t``, one a sample, ``t`` shifted as sampling shifts its steps.

    With ``u = sigmoid(mean + std n)``, ``t = s u / (1 + (s - 1) u)``: the logit moves by ``ln s``.
    """
    device = generator.device
    normal = torch.randn(count, generator=generator, device=device)
    uniform, chance = torch.rand(2, count, generator=generator, device=device)
    shifted = torch.sigmoid(config.mean + math.log(schedule.config.shift) + config.std * normal)
    return schedule.timesteps(torch.where(chance < config.uniform_share, uniform, shifted))
