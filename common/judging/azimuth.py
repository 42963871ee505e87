"""From where an object is seen: the mode of a distribution on the circle, and angles apart."""

import math

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

RIGHT_WITHIN_DEG = 22.5
"""An azimuth counts as right within this: an eighth of the circle, centred."""


def circular_mode_deg(logits: Float[Tensor, "b bins"]) -> Float[Tensor, " b"]:
    """The azimuth in [0, 360) where the distribution over bins is highest.

    Bin ``i`` is centred at ``i * 360 / bins``. Between bins the mode is the circular mean of the
    best bin and its two neighbours, weighted by their probabilities.
    """
    num_bins = logits.shape[1]
    probabilities = torch.softmax(logits.double(), 1)
    best = probabilities.argmax(1)
    near = rearrange(best, "b -> b 1") + torch.arange(-1, 2, device=best.device)
    weights = probabilities.gather(1, near % num_bins)
    angles = near.double() * (2 * math.pi / num_bins)
    mean = torch.atan2((weights * angles.sin()).sum(1), (weights * angles.cos()).sum(1))
    return (torch.rad2deg(mean) % 360.0).float() % 360.0


def degrees_apart(
    first_deg: Float[Tensor, " b"], second_deg: Float[Tensor, " b"]
) -> Float[Tensor, " b"]:
    """The smaller angle between directions, in [0, 180]."""
    apart = (first_deg - second_deg).abs() % 360.0
    return torch.minimum(apart, 360.0 - apart)
