"""The U-Net through ``torch.compile``, refused where there is nothing to compile with."""

import importlib.util
import os
import shutil
from typing import Any

import torch

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
