"""nerfstudio's checkpoints (``step-000029999.ckpt``), read without running code of theirs.

A file holds ``step``, ``pipeline`` (the model's tensors, ``_model.`` before each name) and the
state of optimizers, schedulers and scalers. PyTorch's ``weights_only`` reader reads it, with the
one addition that nerfstudio's schedulers need: NumPy's plain numbers.
"""

import errno
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.errors import InputError

MAX_BYTES = 32_000_000_000
_PREFIXES = ("_model.", "module._model.", "_model.module.")


@dataclass(frozen=True, eq=False)
class NerfstudioCheckpoint:
    """The tensors of a model."""

    step: int
    tensors: Mapping[str, Tensor]
    """Of the model, by their names within it: ``gauss_params.means``, ``field.aabb``."""

    @property
    def method(self) -> str:
        """``splatfacto``, ``nerfacto``, ``extrude`` (our plugin) or ``unknown``, by the names."""
        if {"gauss_params.means", "means"} & set(self.tensors):
            return "splatfacto"
        if any(name.startswith("field.mlp_base") for name in self.tensors):
            return "nerfacto"
        if "voxel_density" in self.tensors:
            return "extrude"
        return "unknown"


def read_checkpoint(path: Path) -> NerfstudioCheckpoint:
    """Read the model's tensors; optimizers and the like stay on the disk.

    Raises:
        InputError: missing, larger than 32 GB, damaged, not of nerfstudio, or with more than
            weights in it.
    """
    loaded = _loaded(path)
    if not isinstance(loaded, dict) or not isinstance(loaded.get("pipeline"), dict):
        raise InputError(f"{path}: is no checkpoint of nerfstudio: it has no 'pipeline'")
    tensors = {}
    for key, value in loaded["pipeline"].items():
        prefix = next((p for p in _PREFIXES if str(key).startswith(p)), None)
        if prefix is not None and isinstance(value, Tensor):
            tensors[str(key).removeprefix(prefix)] = value
    if not tensors:
        raise InputError(f"{path}: is no checkpoint of nerfstudio: its pipeline has no model")
    step = loaded.get("step")
    return NerfstudioCheckpoint(step if type(step) is int else 0, tensors)


def inventory(checkpoint: NerfstudioCheckpoint) -> list[str]:
    """One line for each tensor: name, type and shape."""
    return [
        f"{name}  {str(value.dtype).removeprefix('torch.')}  "
        f"{' x '.join(map(str, value.shape)) or 'scalar'}"
        for name, value in sorted(checkpoint.tensors.items())
    ]


def tensor_of(checkpoint: NerfstudioCheckpoint, name: str) -> Tensor:
    """A tensor of the model as float32.

    Raises:
        InputError: there is none of that name.
    """
    if name not in checkpoint.tensors:
        raise InputError(f"this checkpoint lacks {name}; it is of {checkpoint.method}")
    return checkpoint.tensors[name].detach().to("cpu", torch.float32)


def _loaded(path: Path) -> Any:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: has {size:,} bytes; at most {MAX_BYTES:,} are read")
        with torch.serialization.safe_globals(_numbers()):
            # Mapped, so that only the tensors that are looked at are read.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except OSError as error:
        if error.errno == errno.EINVAL:  # PyTorch's mapping of a file that is too short
            raise InputError(f"{path}: is cut off or damaged") from None
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, TypeError) as refused:
        if isinstance(refused, InputError):
            raise
        first = (str(refused).splitlines() or [type(refused).__name__])[0][:200]
        raise InputError(
            f"{path}: holds more than weights, or is damaged, and is not opened: {first}"
        ) from None


def _numbers() -> list[Any]:
    """What plain numbers of NumPy are pickled as, under its old and its new name."""
    scalar = np.float64(0).__reduce__()[0]
    kinds = [np.dtype(kind).__class__ for kind in ("f8", "f4", "i8", "i4")]
    names = ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar")
    return [*((scalar, name) for name in names), np.dtype, *kinds]
