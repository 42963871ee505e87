"""Denoisers through ``torch.compile``, refused where there is nothing to compile with."""

import importlib.util
import os
import shutil
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from common.errors import InputError

_COMPILERS = ("g++", "clang++", "c++")
_ON_A_CPU = {"freezing": True}
"""Of the compiler: weights are taken for constants, laid out once as its products want them. They
must not change any more, and are in memory twice. It does so where no gradients are wanted."""


def check_compile(device: str) -> None:
    """Refuse compilation where its tools are missing.

    Raises:
        InputError: naming them.
    """
    if device.startswith("cuda"):
        if importlib.util.find_spec("triton") is None:
            raise InputError(
                "compute.compile needs the package triton on CUDA, which is not installed: leave "
                "compile out, or pip install triton"
            )
    elif not any(map(shutil.which, (os.environ.get("CXX") or _COMPILERS[0], *_COMPILERS))):
        raise InputError(
            f"compute.compile needs a C++ compiler on a CPU ({', '.join(_COMPILERS)}), and none is "
            "installed: leave compile out, or install one"
        )


def laid_out_bytes(weights_bytes: int, compiles: bool) -> int:
    """Bytes of a denoiser's weights as compiled products want them, beside its own: on a CPU."""
    return weights_bytes if compiles and not torch.cuda.is_available() else 0


def compiled(unet: Any, device: str) -> Any:
    """The same U-Net, compiled at its first call for each size it is called with.

    Its weights must not change after that.

    Raises:
        InputError: as `check_compile`.
    """
    check_compile(device)
    return torch.compile(unet, dynamic=False, options=_options(device))


def compile_parts(parts: Iterable[nn.Module], device: str) -> None:
    """Compile parts of a network each by itself, and leave the network around them as it is.

    So hooks of the parts, which come and go from call to call, stay outside of what is compiled.
    Each part counts the sizes it is compiled for by itself. Their weights must not change any more.

    Raises:
        InputError: as `check_compile`.
    """
    check_compile(device)
    for part in parts:
        part.forward = torch.compile(  # type: ignore[call-overload]
            part.forward, dynamic=False, isolate_recompiles=True, options=_options(device)
        )


def _options(device: str) -> dict[str, Any] | None:
    return None if device.startswith("cuda") else _ON_A_CPU
