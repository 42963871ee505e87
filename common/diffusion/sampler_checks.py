"""Which samplers, schedules and step counts go together. What diffusers would get wrong is refused.

Found in diffusers 0.42: DDIM steps by ``T // num_steps`` whatever grid it evaluates on; the
``trailing`` grid has one timestep too many for some step counts, where a floating-point range ends
late; Heun has no finite first sigma without terminal noise.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from common.diffusion.noise_schedule import ZERO_SNR_FLOOR, NoiseSchedule
from common.diffusion.prediction import PredictionType
from common.diffusion.sampler_config import (
    DDIM,
    LCM,
    DPMSolverPP2M,
    FlowEuler,
    Heun,
    KarrasSampler,
    SpacedSampler,
    UniPC,
)
from common.errors import InputError

MAX_LEVEL_MISMATCH = 0.5
"""How far, relatively, the noise level a solver assumes may be from that of the timestep told to
the prior. Timesteps of Karras levels are rounded, or read on a log scale; on a table that ends in
almost pure noise, as the cosine one, they are off by 80 % and more."""

MIN_ALPHA_FOR_EPS = 1e-3
"""Below this signal level an eps prediction determines the latent to worse than 1000 times its own
error (``x0 = (z - sigma eps) / alpha``)."""


def check_combination(config: Any, schedule: NoiseSchedule) -> None:
    """Refuse a sampler that cannot walk the schedule, with what to use instead."""
    if schedule.is_flow:
        _check_on_flow(config)
    else:
        _check_on_table(config, schedule)


def _check_on_flow(config: Any) -> None:
    if not isinstance(config, FlowEuler | DPMSolverPP2M | UniPC):
        raise InputError(
            f"sampler {config.name} is for tables of betas, but the prior is a flow: "
            "use flow_euler, dpm_solver_pp_2m or unipc"
        )
    if isinstance(config, KarrasSampler) and (
        config.karras or config.timestep_spacing != "trailing"
    ):
        raise InputError(
            f"on a flow, sampler {config.name} spaces its steps by the schedule's shift: "
            "leave karras and timestep_spacing out"
        )


def _check_on_table(config: Any, schedule: NoiseSchedule) -> None:
    steps, table = config.num_steps, schedule.config.num_train_timesteps
    if isinstance(config, FlowEuler):
        raise InputError(
            f"sampler flow_euler needs a prior on a flow schedule, this one is on "
            f"{schedule.config.name}: use euler or dpm_solver_pp_2m"
        )
    if steps > table:
        raise InputError(f"num_steps {steps} exceeds the {table} timesteps of the training table")
    if isinstance(config, Heun) and schedule.config.zero_terminal_snr:
        raise InputError(
            "sampler heun cannot start from zero terminal SNR, where sigma is infinite: "
            "use dpm_solver_pp_2m or unipc, which are second order too"
        )
    if isinstance(config, DDIM) and config.timestep_spacing == "trailing" and table % steps:
        near = _nearest(steps, table, lambda count: table % count == 0)
        raise InputError(
            f"sampler ddim with trailing spacing needs num_steps that divides the training "
            f"table's {table}, got {steps}: use {near}"
        )
    if isinstance(config, LCM) and table % config.original_num_steps:
        near = _nearest(config.original_num_steps, table, lambda count: table % count == 0)
        raise InputError(
            f"sampler lcm needs original_num_steps that divides the training table's {table}, "
            f"got {config.original_num_steps}: use {near}"
        )
    if _uses_trailing_grid(config) and _trailing_count(steps, table) != steps:
        near = _nearest(steps, table, lambda count: _trailing_count(count, table) == count)
        raise InputError(
            f"diffusers' trailing grid has {_trailing_count(steps, table)} timesteps for "
            f"num_steps {steps} (a floating-point range): use {near}"
        )


def _uses_trailing_grid(config: Any) -> bool:
    if not isinstance(config, SpacedSampler) or config.timestep_spacing != "trailing":
        return False
    return not (isinstance(config, KarrasSampler) and config.karras)


def _trailing_count(steps: int, table: int) -> int:
    """How many timesteps diffusers' trailing grid has."""
    return len(np.arange(table, 0, -table / steps))


def _nearest(steps: int, table: int, works: Callable[[int], bool]) -> str:
    """The step counts next to ``steps`` that work, in words."""
    below = next((count for count in range(steps - 1, 0, -1) if works(count)), None)
    above = next((count for count in range(steps + 1, table + 1) if works(count)), None)
    return " or ".join(str(count) for count in (below, above) if count is not None)


def check_grid(
    config: Any,
    schedule: NoiseSchedule,
    prediction: PredictionType,
    timesteps: Tensor,
    levels: Tensor,
) -> None:
    """Refuse timesteps outside the table, repeated noise levels, and eps from pure noise.

    Args:
        config: The sampler's.
        schedule: The prior's.
        prediction: What the prior predicts.
        timesteps: Of each evaluation.
        levels: What the solver divides by differences of: sigmas, or timesteps where it has none.
    """
    # Heun evaluates at every level but the first twice.
    if isinstance(config, Heun):
        levels = levels[[0, *range(1, len(levels), 2)]]
        distinct = timesteps[[0, *range(1, len(timesteps), 2)]]
    else:
        distinct = timesteps
    falling = bool((levels.diff() < 0).all())
    inside = float(timesteps.min()) >= 0 and float(timesteps.max()) <= schedule.max_timestep
    if len(timesteps) != config.num_evaluations or not falling or not inside:
        raise InputError(
            f"sampler {config.name} with num_steps {config.num_steps} repeats or leaves the "
            f"{schedule.config.num_train_timesteps} timesteps of the schedule: use fewer steps"
        )
    if isinstance(config, KarrasSampler) and config.karras:
        _check_karras(schedule, distinct, levels[:-1])
    first = timesteps[:1].double()
    alpha = float(schedule.alpha(first))
    if prediction == "eps" and alpha < MIN_ALPHA_FOR_EPS:
        raise InputError(
            f"an eps prediction cannot start at timestep {float(first):g}, where the signal level "
            f"is {alpha:.1e}: use a prior that predicts v or x0, or another schedule"
        )


def _check_karras(schedule: NoiseSchedule, timesteps: Tensor, levels: Tensor) -> None:
    """Refuse noise levels that are far from those of the timesteps told to the prior."""
    alpha, sigma = schedule.alpha_sigma(timesteps.double())
    told = sigma / alpha.clamp(min=ZERO_SNR_FLOOR**0.5)
    mismatch = float((told / levels - 1).abs().max())
    if mismatch > MAX_LEVEL_MISMATCH:
        raise InputError(
            f"Karras noise levels are up to {mismatch:.0%} off the timesteps of schedule "
            f"{schedule.config.name}, which ends in almost pure noise: leave karras out"
        )
