"""Checkpoints: any nested state of tensors and scalars, on disk whole or not at all.

A state is a tree of dicts with text keys, lists, tuples, tensors, numbers, text, booleans and
None. A checkpoint is a folder ``step-000500/`` with the tensors (safetensors, no pickle) and the
rest (JSON). It is written under another name and renamed, so that a kill leaves no half of one.
"""

import json
import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch

from common.atomic import atomic_path
from common.errors import InputError

State = Any
"""A tree of dicts, lists, tuples, tensors and scalars."""

_TENSORS = "tensors.safetensors"
_REST = "state.json"


@dataclass(frozen=True)
class Checkpoint:
    """A saved state and the step it was saved after."""

    step: int
    state: State


def save(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write ``folder/step-<step>/`` and delete all but the newest ``keep`` checkpoints."""
    tensors: dict[str, torch.Tensor] = {}
    rest = _pack(checkpoint.state, tensors)
    path = folder / f"step-{checkpoint.step:06d}"
    if path.exists():
        shutil.rmtree(path)
    with atomic_path(path) as partial:
        partial.mkdir()
        safetensors.torch.save_file(tensors, partial / _TENSORS)
        document = {"step": checkpoint.step, "state": rest}
        (partial / _REST).write_text(json.dumps(document, allow_nan=False), encoding="utf-8")
    for old in _complete(folder)[:-keep]:
        shutil.rmtree(old)
    return path


def load_newest(folder: Path) -> Checkpoint | None:
    """The newest complete checkpoint of a folder, or None when there is none.

    Raises:
        InputError: when it cannot be read; an older one is not taken silently.
    """
    complete = _complete(folder)
    return load(complete[-1]) if complete else None


def load(path: Path) -> Checkpoint:
    """Read one checkpoint folder."""
    try:
        document = json.loads((path / _REST).read_text(encoding="utf-8"))
        tensors = safetensors.torch.load_file(path / _TENSORS)
        return Checkpoint(int(document["step"]), _unpack(document["state"], tensors))
    except (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as error:
        raise InputError(
            f"the checkpoint {path} cannot be read ({error}); delete that folder to continue "
            "from the one before it"
        ) from error


def _complete(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("step-*") if (path / _REST).is_file()]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def _pack(value: State, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, torch.Tensor):
        key = f"t{len(tensors):05d}"
        # Cloned: safetensors refuses tensors that share memory.
        tensors[key] = value.detach().to("cpu", copy=True).contiguous()
        return {"$tensor": key}
    if isinstance(value, dict):
        if any(not isinstance(key, str) or key.startswith("$") for key in value):
            raise TypeError(f"state keys are text without a leading '$', not {list(value)!r}")
        return {key: _pack(item, tensors) for key, item in value.items()}
    if isinstance(value, tuple):
        return {"$tuple": [_pack(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_pack(item, tensors) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise TypeError(f"a checkpoint cannot hold a {type(value).__name__}")


def _unpack(value: Any, tensors: dict[str, torch.Tensor]) -> State:
    if isinstance(value, list):
        return [_unpack(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        return tensors[value["$tensor"]]
    if "$tuple" in value:
        return tuple(_unpack(item, tensors) for item in value["$tuple"])
    if "$float" in value:
        return float(value["$float"])
    return {key: _unpack(item, tensors) for key, item in value.items()}
