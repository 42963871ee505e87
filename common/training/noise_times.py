"""Which noise levels training visits, and how much each counts."""

from typing import Annotated, Literal, assert_never

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from common.config import BY_NAME, Config
from common.diffusion.noise_schedule import NoiseSchedule
from common.diffusion.prediction import conversion_weights
from common.diffusion.prediction_type import PredictionType
from common.shapes import Timesteps


class UniformTimes(Config):
    """Every timestep alike."""

    name: Literal["uniform"] = "uniform"


class MinSnr(Config):
    """Every timestep alike, the clean ones counting less (Hang et al. 2023, arXiv 2303.09556)."""

    name: Literal["min_snr"] = "min_snr"
    gamma: float = Field(5.0, gt=0)
    """Signal-to-noise ratio above which a timestep's error in x0 counts no more."""


class LogitNormalTimes(Config):
    """Times whose logit is normal (Esser et al. 2024, arXiv 2403.03206): few of the extremes."""

    name: Literal["logit_normal"] = "logit_normal"
    mean: float = 0.4
    """Above 0 prefers noisy times, where a prompt's content is decided."""
    std: float = Field(1.0, gt=0)
    """Spread of the logit."""


class NoisyTimes(Config):
    """Noisy times more often, clean ones less: ``t = 1 - u ** exponent`` with ``u`` uniform.

    Unlike a normal logit it does not starve the very noisy times, where a prompt decides what the
    picture of a small set will be.
    """

    name: Literal["noisy"] = "noisy"
    exponent: float = Field(1.8, ge=1, le=4)
    """1 is uniform. At 1.8, 35 % of the times are above 0.85, and 32 % below 0.5."""


NoiseTimes = Annotated[MinSnr | UniformTimes | LogitNormalTimes | NoisyTimes, BY_NAME]
"""Any way to visit noise levels, chosen by its ``name``."""


def draw_timesteps(
    config: NoiseTimes, count: int, schedule: NoiseSchedule, generator: torch.Generator
) -> Timesteps:
    """Integer timesteps, one a sample, as floats."""
    device = generator.device
    match config:
        case MinSnr() | UniformTimes():
            time = torch.rand(count, generator=generator, device=device)
        case LogitNormalTimes():
            normal = torch.randn(count, generator=generator, device=device)
            time = torch.sigmoid(config.mean + config.std * normal)
        case NoisyTimes():
            time = 1 - torch.rand(count, generator=generator, device=device) ** config.exponent
        case _:
            assert_never(config)
    last = schedule.max_timestep
    return (time * (last + 1)).floor().clamp(max=last)


def v_weights(
    config: NoiseTimes, timesteps: Timesteps, schedule: NoiseSchedule
) -> Float[Tensor, " b"]:
    """Weight of each sample's squared error in ``v``.

    With ``snr = alpha^2 / sigma^2`` an error in ``v`` is one in ``x0`` times ``snr + 1``, so
    min-SNR weights it by ``min(snr, gamma) / (snr + 1)``.
    """
    if not isinstance(config, MinSnr):
        return torch.ones_like(timesteps)
    alpha, sigma = schedule.alpha_sigma(timesteps)
    snr = alpha**2 / sigma**2
    return (snr.clamp(max=config.gamma) / (snr + 1)).to(timesteps)


def prediction_weights(
    config: NoiseTimes,
    timesteps: Timesteps,
    schedule: NoiseSchedule,
    prediction: PredictionType,
) -> Float[Tensor, " b"]:
    """Weight of each sample's squared error in any kind of prediction, as `v_weights`.

    An error in the prediction is one in ``x0`` times ``D' / D`` (see ``prediction``), and the
    squared error in ``x0`` counts ``min(snr, gamma)``.
    """
    if not isinstance(config, MinSnr):
        return torch.ones_like(timesteps)
    alpha, sigma = schedule.alpha_sigma(timesteps)
    in_x0, _ = conversion_weights(prediction, "x0", alpha, sigma)
    snr = alpha**2 / sigma**2
    return (snr.clamp(max=config.gamma) * in_x0**2).to(timesteps)
