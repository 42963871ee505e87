"""Losses of estimated geometry, inside the thing.

The kit's depth maps have a fixed meaning (`geometry_maps`), so depth is compared as it is and not
up to scale and shift: the mean absolute error, and that of differences between neighbours at
two scales (MegaDepth, Li and Snavely 2018, arXiv 1804.00607). Normals: one minus the cosine.
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_STRIDES = (1, 4)
_SHORT = 1e-3


def depth_loss(
    made: Float[Tensor, "b h w"], true: Float[Tensor, "b h w"], there: Bool[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Mean absolute error."""
    return mean_where((made - true).abs(), there)


def slope_loss(
    made: Float[Tensor, "b h w"], true: Float[Tensor, "b h w"], there: Bool[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Mean absolute error of differences between pixels 1 and 4 apart, both ways."""
    off = torch.where(there, made - true, 0.0)
    parts = []
    for stride in _STRIDES:
        for axis in (1, 2):
            length = off.shape[axis] - stride
            first, second = off.narrow(axis, 0, length), off.narrow(axis, stride, length)
            both = there.narrow(axis, 0, length) & there.narrow(axis, stride, length)
            parts.append(mean_where((first - second).abs(), both))
    return torch.stack(parts).mean()


def normal_loss(
    made: Float[Tensor, "b 3 h w"], true: Float[Tensor, "b 3 h w"], there: Bool[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Mean of one minus the cosine of the angle between vectors of any length and unit vectors."""
    dot, square = (made * true).sum(1), (made * made).sum(1)
    return mean_where(1 - dot * square.clamp(min=_SHORT**2).rsqrt(), there)


def mean_where(values: Float[Tensor, "b h w"], there: Bool[Tensor, "b h w"]) -> Float[Tensor, ""]:
    """The mean over what is there; 0 where nothing is."""
    return (values * there).sum() / there.sum().clamp(min=1)
