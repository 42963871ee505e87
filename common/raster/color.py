"""The sRGB transfer function, on tensors."""

import torch
from jaxtyping import Float
from torch import Tensor


def srgb_to_linear(encoded: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Linear light of sRGB-encoded values (IEC 61966-2-1); negative values stay linear."""
    high = ((encoded.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4
    return torch.where(encoded <= 0.04045, encoded / 12.92, high)


def linear_to_srgb(linear: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """SRGB encoding of linear light: undoes `srgb_to_linear`."""
    high = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear <= 0.0031308, linear * 12.92, high)
