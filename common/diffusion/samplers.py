"""Samplers by name: each is a scheduler class of diffusers, set up so that it is right.

Left to their defaults those classes clip samples to [-1, 1], start below pure noise or step on
grids they do not walk; here a combination that would be wrong is refused instead.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from common.diffusion.noise_schedule import NoiseSchedule
from common.diffusion.prediction import PredictionType
from common.diffusion.sampler_checks import check_combination, check_grid
from common.diffusion.sampler_config import (
    DDIM,
    DDPM,
    LCM,
    DPMSolverPP2M,
    Euler,
    EulerA,
    FlowEuler,
    Heun,
    KarrasSampler,
    UniPC,
)
from common.diffusion.schedule_config import CosineSchedule

DIFFUSERS_PREDICTION: dict[PredictionType, str] = {
    "eps": "epsilon",
    "x0": "sample",
    "v": "v_prediction",
    "velocity": "flow_prediction",
}


@dataclass(frozen=True)
class Scheduler:
    """A scheduler of diffusers with what it takes to step it. Runs step a copy, never this one."""

    config: Any
    """The member of ``Sampler`` it was built from."""
    schedule: NoiseSchedule
    prediction: PredictionType
    """What ``diffusers.step`` expects of the model."""
    diffusers: Any
    """The scheduler object, fresh after ``set_timesteps``."""
    in_sigma_space: bool
    """Whether it keeps ``z / alpha`` (Euler, Heun) instead of the model's own ``z``."""
    draws_noise: bool
    """Whether steps add fresh noise, from the generators passed to ``diffusers.step``."""

    @property
    def timesteps(self) -> Float[Tensor, " steps"] | Int[Tensor, " steps"]:
        """The timestep of each evaluation, noisiest first."""
        return self.diffusers.timesteps

    def scale(self, index: int) -> float:
        """Its own latents over the model's, before evaluation ``index`` (or after the last)."""
        if not self.in_sigma_space:
            return 1.0
        return float((self.diffusers.sigmas[index].double() ** 2 + 1).sqrt())


def build_scheduler(config: Any, schedule: NoiseSchedule, prediction: PredictionType) -> Scheduler:
    """The scheduler of a sampler's config for a prior's schedule and prediction.

    Raises:
        InputError: for combinations that cannot sample right, with what to use instead.
    """
    check_combination(config, schedule)
    expected = _expected_prediction(config, schedule, prediction)
    with warnings.catch_warnings():
        # diffusers 0.42 hands torch tensors to np.array in a way that NumPy 2 calls deprecated.
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        diffusers = _build_diffusers(config, schedule, expected)
        _set_timesteps(diffusers, config)
    levels = getattr(diffusers, "sigmas", diffusers.timesteps)
    check_grid(config, schedule, prediction, diffusers.timesteps, levels)
    return Scheduler(
        config,
        schedule,
        expected,
        diffusers,
        in_sigma_space=isinstance(config, Euler | EulerA | Heun),
        draws_noise=_draws_noise(config),
    )


def _draws_noise(config: Any) -> bool:
    match config:
        case DDIM():
            return config.eta > 0
        case DPMSolverPP2M():
            return config.sde
        case _:
            return isinstance(config, DDPM | EulerA | LCM)


def _expected_prediction(
    config: Any, schedule: NoiseSchedule, prediction: PredictionType
) -> PredictionType:
    """What the scheduler is fed: the prior's own prediction where the class knows it."""
    if schedule.is_flow:
        return "velocity"
    if prediction == "velocity" or (prediction == "x0" and isinstance(config, EulerA)):
        return "v"
    return prediction


def _build_diffusers(config: Any, schedule: NoiseSchedule, prediction: PredictionType) -> Any:
    import diffusers

    num_train_timesteps = schedule.config.num_train_timesteps
    if isinstance(config, FlowEuler):
        return diffusers.FlowMatchEulerDiscreteScheduler(
            num_train_timesteps=num_train_timesteps, shift=schedule.config.shift
        )
    common: dict[str, Any] = {
        "num_train_timesteps": num_train_timesteps,
        "prediction_type": DIFFUSERS_PREDICTION[prediction],
    }
    if schedule.is_flow:
        flow = common | {"use_flow_sigmas": True, "flow_shift": schedule.config.shift}
        return _build_multistep(config, flow)
    common |= _table(config, schedule) | _grid(config)
    match config:
        case DPMSolverPP2M() | UniPC():
            return _build_multistep(config, common)
        case DDIM():
            return diffusers.DDIMScheduler(**common, clip_sample=False)
        case DDPM():
            return diffusers.DDPMScheduler(
                **common, clip_sample=False, variance_type=config.variance
            )
        case Euler():
            return diffusers.EulerDiscreteScheduler(**common)
        case EulerA():
            return diffusers.EulerAncestralDiscreteScheduler(**common)
        case Heun():
            return diffusers.HeunDiscreteScheduler(**common)
        case LCM():
            return diffusers.LCMScheduler(
                **common, original_inference_steps=config.original_num_steps
            )
        case _:
            raise TypeError(f"no scheduler for {type(config).__name__}")


def _build_multistep(config: DPMSolverPP2M | UniPC, settings: dict[str, Any]) -> Any:
    import diffusers

    if isinstance(config, UniPC):
        return diffusers.UniPCMultistepScheduler(**settings, solver_order=config.order)
    algorithm = "sde-dpmsolver++" if config.sde else "dpmsolver++"
    return diffusers.DPMSolverMultistepScheduler(
        **settings, algorithm_type=algorithm, solver_order=2
    )


def _table(config: Any, schedule: NoiseSchedule) -> dict[str, Any]:
    """The training table as diffusers is told it; it computes the same numbers from it."""
    table = schedule.config
    if isinstance(table, CosineSchedule):
        settings: dict[str, Any] = {"beta_schedule": "squaredcos_cap_v2"}
    else:
        settings = {
            "beta_schedule": table.name,
            "beta_start": table.beta_start,
            "beta_end": table.beta_end,
        }
    if isinstance(config, Heun):  # knows no zero terminal SNR, and is refused with it
        return settings
    return settings | {"rescale_betas_zero_snr": table.zero_terminal_snr}


def _grid(config: Any) -> dict[str, Any]:
    """How diffusers is to spread the steps."""
    if isinstance(config, LCM):
        return {}
    if isinstance(config, KarrasSampler) and config.karras:
        # Euler and Heun take the ends of the Karras levels from the spacing: linspace has both.
        return {"timestep_spacing": "linspace", "use_karras_sigmas": True}
    return {"timestep_spacing": config.timestep_spacing, "steps_offset": config.steps_offset}


def _set_timesteps(diffusers: Any, config: Any) -> None:
    if isinstance(config, FlowEuler) and config.timestep_spacing == "trailing":
        diffusers.set_timesteps(sigmas=np.linspace(1.0, 1 / config.num_steps, config.num_steps))
    else:
        diffusers.set_timesteps(config.num_steps)
    if isinstance(config, FlowEuler):  # its float32 shift can end a rounding above pure noise
        diffusers.sigmas = diffusers.sigmas.clamp(max=1.0)
        diffusers.timesteps = diffusers.timesteps.clamp(max=diffusers.config.num_train_timesteps)
    # Schedulers that count steps look their first one up by its timestep, and some take the second
    # of two equal ones; told where to begin, they do not look.
    if hasattr(diffusers, "set_begin_index"):
        diffusers.set_begin_index(0)
