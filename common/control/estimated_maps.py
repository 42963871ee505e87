"""Depth and normals of a picture, estimated: maps as the union ControlNet reads them.

A thing that is cut out is framed as the estimator's training framed it, whatever its size and the
shape of its picture; what is told of it is laid back where the thing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from common.control.geometry_maps import FARTHEST, unit_vectors
from common.media.fitting import Placement, placed, placement
from common.media.mask_box import mask_box
from common.shapes import Images

SIZE_PX = 128
"""Side of the square that the estimator sees."""
THING_PX = 116
"""Longer side of the thing in it."""
VISIBLE = 0.5
"""Alpha above which there is a thing."""
_LITTLE = 1e-3
"""Weight of what is told of empty ground where maps are resized."""


class GeometryMaps(NamedTuple):
    """Maps in [0, 1], as in `geometry_maps`; empty ground is black."""

    depth: Float[Tensor, "h w"]
    normals: Float[Tensor, "3 h w"]


@dataclass(frozen=True)
class Framed:
    """A thing in the square, and where it was."""

    picture: Float[Tensor, "4 y x"]
    """Premultiplied, in [-1, 1]."""
    box: tuple[slice, slice]
    """Rows and columns of the picture that it is from."""
    place: Placement
    """Of those in the square."""


def visible(picture: Float[Tensor, "4 h w"]) -> Bool[Tensor, "h w"]:
    """Where a premultiplied picture in [0, 1] shows a thing."""
    return picture[3] > VISIBLE


def framed(picture: Float[Tensor, "4 h w"]) -> Framed:
    """The thing of a premultiplied picture in [0, 1], as the estimator wants it.

    Raises:
        ValueError: nothing is visible.
    """
    seen = visible(picture)
    if not seen.any():
        raise ValueError("there is nothing to frame")
    box = mask_box(seen)
    cut = picture[:, *box]
    inner = placement((cut.shape[1], cut.shape[2]), (THING_PX, THING_PX), "contain")
    margin = (SIZE_PX - THING_PX) // 2
    place = Placement(inner.height, inner.width, inner.top + margin, inner.left + margin)
    made = placed(cut * 2 - 1, place, torch.full((4, SIZE_PX, SIZE_PX), -1.0))
    return Framed(made, box, place)


@torch.no_grad()
def estimated_maps(
    model: Any, pictures: Sequence[Float[Tensor, "4 _ _"]]
) -> tuple[GeometryMaps, ...]:
    """What a `GeometryEstimator` tells of premultiplied pictures in [0, 1], of any sizes.

    The maps of a picture in which nothing is visible are black.
    """
    things = [framed(one) if visible(one).any() else None for one in pictures]
    shown = [one for one in things if one is not None]
    if not shown:
        return tuple(_black(one) for one in pictures)
    squares: Images = torch.stack([one.picture for one in shown])
    nearness, normals = model(squares.contiguous(memory_format=torch.channels_last))
    told = iter(_enlarged(torch.cat([nearness[:, None], unit_vectors(normals)], 1), squares))
    return tuple(
        _black(picture) if thing is None else _laid_back(next(told), thing, picture)
        for thing, picture in zip(things, pictures, strict=True)
    )


def _enlarged(told: Float[Tensor, "b 4 y x"], squares: Images) -> Images:
    """What is told at a part of the sides, for each pixel of the squares."""
    alpha = (squares[:, 3:] + 1) / 2
    return _resized(told, functional.interpolate(alpha, told.shape[2:], mode="area"), SIZE_PX)


def _resized(
    told: Float[Tensor, "b 4 y x"], alpha: Float[Tensor, "b 1 y x"], size: int | tuple[int, int]
) -> Float[Tensor, "b 4 h w"]:
    """Resized so that what is told of empty ground does not bleed into the thing's edge."""
    weight = alpha + _LITTLE
    made = functional.interpolate(
        torch.cat([told * weight, weight], 1), size, mode="bilinear", antialias=True
    )
    return made[:, :4] / made[:, 4:]


def _laid_back(
    told: Float[Tensor, "4 y x"], thing: Framed, picture: Float[Tensor, "4 h w"]
) -> GeometryMaps:
    """Nearness and normals of the square where the thing was."""
    rows, columns = thing.box
    place = thing.place
    at = (slice(place.top, place.top + place.height), slice(place.left, place.left + place.width))
    size = (rows.stop - rows.start, columns.stop - columns.start)
    values = torch.zeros(4, *picture.shape[1:])
    alpha = (thing.picture[3:, *at] + 1) / 2
    values[:, rows, columns] = _resized(told[None, :, *at], alpha[None], size)[0]
    there = visible(picture)
    # Stretched to its ends, as true maps are, it would be further from them: the nearest and the
    # farthest point are small, and are told with the least certainty.
    depth = torch.where(there, values[0].clamp(FARTHEST, 1), 0.0)
    normals = (unit_vectors(values[1:]) + 1) / 2
    return GeometryMaps(depth, torch.where(there, normals, 0.0))


def _black(picture: Float[Tensor, "4 h w"]) -> GeometryMaps:
    nothing = torch.zeros(4, *picture.shape[1:])
    return GeometryMaps(nothing[0], nothing[1:])
