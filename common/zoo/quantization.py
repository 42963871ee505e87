"""Weights in few bytes: bfloat16, or int8 with one scale for each output channel.

Only weights with two or more axes are shortened; vectors (biases, gains, statistics) are small and
stay in float32. Which of the two a model can take without loss is measured when it is packed.
"""

from collections.abc import Mapping
from typing import Literal

import torch
from jaxtyping import Float, Float32, Int8
from torch import Tensor

from common.errors import InputError

Precision = Literal["float32", "bfloat16", "int8"]

SCALE_SUFFIX = "::scale"
"""What the name of an int8 weight's scales ends in; no module can be named so."""

_LARGEST = 127


def pack(weights: Mapping[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """The stored form of named weights; ``unpack`` reverses it up to rounding."""
    stored: dict[str, Tensor] = {}
    for name, weight in weights.items():
        if SCALE_SUFFIX in name:
            raise ValueError(f"the weight name {name!r} contains {SCALE_SUFFIX!r}")
        plain = weight.detach().cpu().contiguous()
        if plain.ndim < 2 or not plain.is_floating_point() or precision == "float32":
            stored[name] = plain
        elif precision == "bfloat16":
            stored[name] = plain.to(torch.bfloat16)
        else:
            stored[name], stored[name + SCALE_SUFFIX] = quantized(plain.float())
    return stored


def unpack(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in float32 (other types stay as they are) from their stored form.

    Raises:
        InputError: an int8 weight has no scales, or scales have no weight.
    """
    weights: dict[str, Tensor] = {}
    for name, value in stored.items():
        if name.endswith(SCALE_SUFFIX):
            if name.removesuffix(SCALE_SUFFIX) not in stored:
                raise InputError(f"the scales {name} belong to no weight")
        elif value.dtype == torch.int8:
            if name + SCALE_SUFFIX not in stored:
                raise InputError(f"the int8 weight {name} has no scales")
            weights[name] = restored(value, stored[name + SCALE_SUFFIX])
        else:
            weights[name] = value.float() if value.dtype == torch.bfloat16 else value
    return weights


def quantized(
    weight: Float[Tensor, "o ..."],
) -> tuple[Int8[Tensor, "o ..."], Float32[Tensor, " o"]]:
    """``round(w / s)`` in [-127, 127] with ``s = max |w| / 127`` of each output channel.

    No element is off by more than ``s / 2``; a channel of zeros has scale 0 and stays zero.
    """
    flat = weight.float().reshape(len(weight), -1)
    scales = flat.abs().amax(1) / _LARGEST
    divisors = torch.where(scales > 0, scales, 1.0)
    whole = (flat / divisors[:, None]).round().clamp(-_LARGEST, _LARGEST)
    return whole.to(torch.int8).reshape(weight.shape), scales


def restored(
    whole: Int8[Tensor, "o ..."], scales: Float32[Tensor, " o"]
) -> Float32[Tensor, "o ..."]:
    """The weights that ``quantized`` stands for."""
    return whole.float() * scales.reshape(-1, *[1] * (whole.ndim - 1))
