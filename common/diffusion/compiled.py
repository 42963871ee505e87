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


def compiled(unet: Any, device: str) -> Any:
    """The same U-Net, compiled at its first call for each size it is called with.

    Raises:
        InputError: as `check_compile`.
    """
    check_compile(device)
    return torch.compile(unet, dynamic=False)


def compile_parts(parts: Iterable[nn.Module], device: str) -> None:
    """Compile parts of a network each by itself, and leave the network around them as it is.

    So hooks of the parts, which come and go from call to call, stay outside of what is compiled.
    Each part counts the sizes it is compiled for by itself.

    Raises:
        InputError: as `check_compile`.
    """
    check_compile(device)
    for part in parts:
        part.forward = torch.compile(  # type: ignore[call-overload]
            part.forward, dynamic=False, isolate_recompiles=True
        )
