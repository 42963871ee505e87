"""What every splat reader and writer does: bytes of files, and numbers that mean something."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from common.errors import InputError
from threed.scenes.gaussian_cloud import GaussianCloud

MAX_UNPACKED_GAUSSIANS = 2**25
"""Most Gaussians that are unpacked from a compressed file: 33 million, five of the largest scenes.

Files without compression need no such bound: theirs is their length.
"""
_TINY = float(torch.finfo(torch.float32).tiny)
_BELOW_ONE = 1 - 2.0**-24


def file_bytes(source: Path | bytes) -> bytes:
    """The bytes of a file, or those given.

    Raises:
        InputError: no such file, unreadable or empty.
    """
    if isinstance(source, bytes):
        data = source
    else:
        try:
            data = source.read_bytes()
        except OSError as error:
            raise InputError(f"{source}: cannot be read: {error.strerror}") from None
    if not data:
        raise InputError("the file is empty (0 bytes)")
    return data


def check_whole(cloud: GaussianCloud) -> GaussianCloud:
    """The same cloud, if it can be drawn.

    Raises:
        InputError: no Gaussians, a value that is no number, or a quaternion of length 0.
    """
    if len(cloud) == 0:
        raise InputError("there are no Gaussians in it")
    for field in fields(cloud):
        values: Tensor = getattr(cloud, field.name)
        bad = ~values.isfinite()
        if bool(bad.any()):
            rows = bad.reshape(len(cloud), -1).any(1)
            raise InputError(
                f"{int(rows.sum()):,} of {len(cloud):,} Gaussians have {field.name} that are no "
                f"numbers, the first is Gaussian {int(rows.nonzero()[0])}"
            )
    lengths = cloud.quaternions.double().norm(dim=-1)
    if bool((lengths == 0).any()):
        raise InputError(
            f"{int((lengths == 0).sum()):,} Gaussians have a rotation of length 0, the first is "
            f"Gaussian {int((lengths == 0).nonzero()[0])}"
        )
    return cloud


def logits_of(opacities: np.ndarray) -> np.ndarray:
    """Logits, float32, of opacities in [0, 1].

    0 and 1, which have none, count as the nearest float32 that has one: 1.2e-38 and 1 - 6e-8.

    Raises:
        InputError: an opacity outside [0, 1].
    """
    given = opacities.astype(np.float64)
    if not bool(((given >= 0) & (given <= 1)).all()):
        raise InputError(
            f"opacities are from 0 to 1; found {float(given.min()):.4g} to {float(given.max()):.4g}"
        )
    inside = np.clip(given, _TINY, _BELOW_ONE)
    return np.log(inside / (1 - inside)).astype(np.float32)


def logits_of_bytes(opacities: np.ndarray) -> np.ndarray:
    """Logits of opacities in 255ths.

    0 and 255, which have none, count as the middle of the values they stand for: 0.25 and 254.75.
    """
    return logits_of(np.clip(opacities.astype(np.float64), 0.25, 254.75) / 255)


def logs_of(scales: np.ndarray) -> np.ndarray:
    """Natural logarithms, float32, of scales in metres; 0 counts as 1.2e-38.

    Raises:
        InputError: a scale below 0, or none at all.
    """
    if not bool((scales >= 0).all()):
        raise InputError(f"scales are 0 or more; found {float(np.nanmin(scales)):.4g}")
    return np.log(np.maximum(scales.astype(np.float64), _TINY)).astype(np.float32)


def numpy_of(values: Tensor) -> np.ndarray:
    """A tensor's values as float32, in order in memory."""
    return np.ascontiguousarray(values.detach().to("cpu", torch.float32).numpy())
