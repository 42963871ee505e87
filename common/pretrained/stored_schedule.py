"""From a checkpoint's scheduler config to its noise schedule and kind of prediction.

A scheduler config says two things: how the model was trained (its table of betas, what it
predicts), and how its authors like to sample. The first is read here; the second is the ``sampler``
block's. What the project's schedules cannot represent is refused with its value.
"""

import inspect
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from common.config import Config
from common.diffusion.prediction_type import PredictionType
from common.diffusion.schedule_config import (
    CosineSchedule,
    FlowSchedule,
    LinearSchedule,
    ScaledLinearSchedule,
)
from common.errors import InputError
from common.json_files import read_object
from common.pretrained.dynamic_shift import DynamicShift

_TABLES = (
    "PNDMScheduler", "DDIMScheduler", "DDPMScheduler", "LMSDiscreteScheduler",
    "EulerDiscreteScheduler", "EulerAncestralDiscreteScheduler", "HeunDiscreteScheduler",
    "DPMSolverMultistepScheduler", "DPMSolverSinglestepScheduler", "DPMSolverSDEScheduler",
    "KDPM2DiscreteScheduler", "KDPM2AncestralDiscreteScheduler", "DEISMultistepScheduler",
    "UniPCMultistepScheduler", "LCMScheduler", "TCDScheduler",
)  # fmt: skip
_FLOWS = ("FlowMatchEulerDiscreteScheduler", "FlowMatchHeunDiscreteScheduler")
_DYNAMIC = tuple(DynamicShift.model_fields)
_FIXED_VARIANCES = (None, "fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log")
_PREDICTIONS: dict[str, PredictionType] = {
    "epsilon": "eps",
    "v_prediction": "v",
    "sample": "x0",
}


def read_schedule(path: Path) -> tuple[Any, PredictionType]:
    """A member of ``Schedule`` or a ``DynamicShift``, and what the model predicts.

    Args:
        path: ``scheduler_config.json``.

    Raises:
        InputError: another scheduler, or settings that cannot be represented.
    """
    stated = read_object(path)
    name = stated.get("_class_name")
    if name not in (*_TABLES, *_FLOWS):
        raise InputError(
            f"{path}: _class_name is {name!r}, whose noise schedule is not known; known are "
            f"{', '.join((*_TABLES, *_FLOWS))}"
        )
    values = _defaults(name) | stated
    if name in _FLOWS or values.get("use_flow_sigmas"):
        return _flow(path, values, "shift" if name in _FLOWS else "flow_shift"), "velocity"
    return _table(path, values), _prediction(path, values)


def _defaults(name: str) -> dict[str, Any]:
    """What the scheduler's class takes for keys that are left out."""
    import diffusers

    parameters = inspect.signature(getattr(diffusers, name).__init__).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


def _table(path: Path, values: dict[str, Any]) -> Config:
    if values.get("trained_betas") is not None:
        raise InputError(f"{path}: trained_betas, a table in full, cannot be represented")
    for key, fitting in (("thresholding", (False, None)), ("timestep_type", ("discrete", None))):
        _check(path, values, key, fitting)
    _check(path, values, "variance_type", _FIXED_VARIANCES)
    keys: dict[str, Any] = {
        "num_train_timesteps": values.get("num_train_timesteps"),
        "zero_terminal_snr": values.get("rescale_betas_zero_snr") or False,
    }
    betas = {"beta_start": values.get("beta_start"), "beta_end": values.get("beta_end")}
    match values.get("beta_schedule"):
        case "scaled_linear":
            return _built(path, ScaledLinearSchedule, keys | betas)
        case "linear":
            return _built(path, LinearSchedule, keys | betas)
        case "squaredcos_cap_v2":
            return _built(path, CosineSchedule, keys)
        case other:
            raise InputError(
                f"{path}: beta_schedule {other!r} cannot be represented; known are scaled_linear, "
                "linear and squaredcos_cap_v2"
            )


def _flow(path: Path, values: dict[str, Any], shift_key: str) -> Config:
    for key in ("invert_sigmas", "shift_terminal"):
        _check(path, values, key, (False, None))
    if values.get("use_dynamic_shifting"):
        return _built(path, DynamicShift, {key: values.get(key) for key in _DYNAMIC})
    if shift_key == "flow_shift":
        _check(path, values, "prediction_type", ("flow_prediction",))
    keys = {
        "num_train_timesteps": values.get("num_train_timesteps"),
        "shift": values.get(shift_key),
    }
    return _built(path, FlowSchedule, keys)


def _prediction(path: Path, values: dict[str, Any]) -> PredictionType:
    _check(path, values, "prediction_type", tuple(_PREDICTIONS))
    return _PREDICTIONS[values["prediction_type"]]


def _check(path: Path, values: dict[str, Any], key: str, fitting: tuple[Any, ...]) -> None:
    if values.get(key) not in fitting:
        shown = " or ".join("null" if value is None else str(value) for value in fitting)
        raise InputError(
            f"{path}: {key} is {str(values.get(key))[:80]!r}, which cannot be represented; it can "
            f"be {shown}"
        )


def _built(path: Path, schedule: type[Config], values: dict[str, Any]) -> Config:
    try:
        return schedule.model_validate_json(json.dumps(values))
    except (ValidationError, TypeError) as wrong:
        reason = (
            f"{wrong.errors()[0]['loc']}: {wrong.errors()[0]['msg']}"
            if isinstance(wrong, ValidationError)
            else str(wrong)
        )
        raise InputError(f"{path} describes no noise schedule: {reason}") from None
