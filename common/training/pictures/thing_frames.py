"""Pictures of single things, framed at random and painted anew, for estimators to learn from."""

import math
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from common.control.estimated_maps import SIZE_PX, THING_PX, VISIBLE
from common.shapes import Images
from common.training.pictures.augmentation import chance, uniform

_MAX_THING_PX = 122
_MIN_SHARE = 0.75
"""Things of training are shown at down to this share of `THING_PX`."""


def painted(pictures: Images, generator: torch.Generator) -> Images:
    """Colours changed at random; premultiplied, in [0, 1].

    Channels are exchanged, dimmed and greyed; some things are flattened towards their mean colour,
    some lit from a side, some blurred as small pictures are.
    """
    count = len(pictures)
    colours, alpha = pictures[:, :3], pictures[:, 3:]
    flat = torch.where(
        chance(count, 0.4, generator), _each(count, 0.0, 0.9, generator), torch.zeros(1)
    )
    matrix = _mixing(count, generator)
    own = colours.sum((2, 3)) / alpha.sum((2, 3)).clamp(min=1)
    mean = rearrange(torch.einsum("bij,bj->bi", matrix, own), "b c -> b c 1 1")
    mixed = torch.einsum("bij,bjhw->bihw", (1 - flat[..., 0]) * matrix, colours)
    lit = 1 + chance(count, 0.4, generator) * _slope(count, pictures.shape[-1], generator)
    made = (mixed + flat * mean * alpha) * lit
    made = torch.cat([torch.minimum(made.clamp(min=0), alpha), alpha], 1)
    soft = chance(count, 0.3, generator).flatten()
    made[soft] = _blurred(made[soft], generator)
    return made


def _mixing(count: int, generator: torch.Generator) -> Float[Tensor, "b 3 3"]:
    """Channels in another order, greyer or more coloured, each dimmed."""
    order = torch.rand(count, 3, generator=generator).argsort(1)
    exchanged = torch.eye(3)[order]
    vivid = uniform(count, 0.0, 1.3, generator)[:, None, None]
    vivid = vivid * torch.eye(3) + (1 - vivid) / 3
    tint = uniform(3 * count, 0.45, 1.15, generator).view(count, 3, 1)
    return tint * (vivid @ exchanged)


def _each(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return rearrange(uniform(count, low, high, generator), "b -> b 1 1 1")


def _slope(count: int, size: int, generator: torch.Generator) -> Float[Tensor, "b 1 h w"]:
    """Brightness that changes evenly from one side to the other, by up to 0.4 each way."""
    angle, strength = _each(count, 0.0, 2 * math.pi, generator), _each(count, 0.0, 0.4, generator)
    along = torch.linspace(-1, 1, size)
    return strength * (angle.cos() * along + angle.sin() * along[:, None])


def _blurred(pictures: Images, generator: torch.Generator) -> Images:
    """Made smaller and larger again, all of them alike."""
    size = int(torch.randint(44, SIZE_PX, (1,), generator=generator))
    small = F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True)
    return F.interpolate(small, size=pictures.shape[2:], mode="bilinear")


def box_of(pixels: UInt8[np.ndarray, "h w 4"]) -> tuple[float, float, float]:
    """Centre and longer side of what is visible, as `affine_grid` counts: -1 to 1."""
    seen = pixels[..., 3] > VISIBLE * 255
    rows, columns = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
    height, width = seen.shape
    if not len(rows):
        return 0.0, 0.0, 1.0
    side = max(int(rows[-1] - rows[0]), int(columns[-1] - columns[0])) + 1
    return (
        (columns[0] + columns[-1] + 1) / width - 1, (rows[0] + rows[-1] + 1) / height - 1,
        side / width,
    )  # fmt: skip


def random_frames(
    boxes: Float[Tensor, "b 3"], mirrored: Bool[Tensor, " b"], generator: torch.Generator
) -> Float[Tensor, "b 2 3"]:
    """From places of the framed pictures to those of the given ones, as `affine_grid` wants them.

    Args:
        boxes: as `box_of`.
        mirrored: whether left and right change places.
        generator: of sizes and places.
    """
    count = len(boxes)
    largest = _MAX_THING_PX / THING_PX
    zoom = uniform(count, math.log(_MIN_SHARE), math.log(largest), generator).exp()
    share = zoom * THING_PX / SIZE_PX
    scale = boxes[:, 2] / share
    room = (1 - share)[:, None] * uniform(2 * count, -1.0, 1.0, generator).view(count, 2)
    side = torch.where(mirrored, -1.0, 1.0)
    nothing = torch.zeros(count)
    return torch.stack([
        torch.stack([scale * side, nothing, boxes[:, 0] + scale * room[:, 0]], 1),
        torch.stack([nothing, scale, boxes[:, 1] + scale * room[:, 1]], 1),
    ], 1)  # fmt: skip


def seen_in(
    maps: Images, frames: Float[Tensor, "b 2 3"], size: int, mode: Literal["bilinear", "nearest"]
) -> Float[Tensor, "b c y x"]:
    """What is framed, at this size; beyond the given picture there is nothing."""
    grid = F.affine_grid(frames, [len(maps), 1, size, size], align_corners=False)
    return F.grid_sample(maps, grid, mode=mode, align_corners=False)


def unit_pictures(pixels: UInt8[np.ndarray, "b h w c"]) -> Images:
    """Channels first, in [0, 1]."""
    return rearrange(torch.from_numpy(pixels), "b h w c -> b c h w").float() / 255
