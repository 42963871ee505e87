"""The colours of a thing as parts: how much of it each covers, and where, over time.

A mouth that opens shows a colour that was not there before; on a thing that turns around, colours
come, cross over and go. Colours are those of all frames together, because what a mouth hides is
not in the first.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

NUM_PARTS = 6
APART = 0.12
"""Colours nearer than this, as distances in RGB, are one part."""
_MAX_PIXELS = 4000
_SHARPNESS = 0.08
_ROUNDS = 8


@dataclass(frozen=True, eq=False)
class PartTracks:
    """Colour parts in every frame; parts that a clip does not have cover nothing."""

    colours: Float[Tensor, "6 3"]
    """RGB of each part, in [0, 1]."""
    shares: Float[Tensor, "f 6"]
    """Of the body's area; they sum to 1."""
    places: Float[Tensor, "f 6 2"]
    """Centroid of each part from the body's, in sizes, weighed by its share: share times place, so
    that a part without area has no place."""


def part_tracks(
    pictures: Float[Tensor, "f 4 y x"], centroid: Float[Tensor, "f 2"], size: Float[Tensor, " f"]
) -> PartTracks:
    """Follow the colours of premultiplied frames in [0, 1]."""
    alpha = pictures[:, 3]
    straight = pictures[:, :3] / rearrange(alpha, "f y x -> f 1 y x").clamp_min(1e-3)
    solid = rearrange(straight, "f c y x -> f y x c")[alpha > 0.9]
    if not len(solid):
        solid = rearrange(straight, "f c y x -> f y x c")[alpha > 0]
    found = palette(solid)
    masks = _soft_masks(straight, found) * rearrange(alpha, "f y x -> f 1 y x")
    area = alpha.sum((1, 2)).clamp_min(1e-6)[:, None]
    shares = masks.sum((2, 3)) / area
    rows, columns = alpha.shape[1:]
    side = max(rows, columns)
    x = (torch.arange(columns) + 0.5) / side
    y = (rows - torch.arange(rows) - 0.5) / side
    along_x = einsum(masks, x, "f k y x, x -> f k") / area - shares * centroid[:, :1]
    along_y = einsum(masks, y, "f k y x, y -> f k") / area - shares * centroid[:, 1:]
    places = torch.stack([along_x, along_y], 2) / size[:, None, None]
    missing = NUM_PARTS - len(found)
    return PartTracks(
        torch.cat([found, torch.zeros(missing, 3)]),
        torch.cat([shares, torch.zeros(len(shares), missing)], 1),
        torch.cat([places, torch.zeros(len(places), missing, 2)], 1),
    )


def palette(colours: Float[Tensor, "n 3"]) -> Float[Tensor, "k 3"]:
    """Up to six colours that stand for all: k-means from a farthest-point start, no chance in it.

    The start is the colour nearest the mean, then again and again the one farthest from all chosen,
    as long as it is `APART` from them.
    """
    from scipy.cluster.vq import kmeans2

    step = -(-len(colours) // _MAX_PIXELS)
    some = colours[::step].double().numpy()
    chosen = [some[((some - some.mean(0)) ** 2).sum(1).argmin()]]
    nearest = ((some - chosen[0]) ** 2).sum(1)
    while len(chosen) < NUM_PARTS and nearest.max() > APART**2:
        chosen.append(some[nearest.argmax()])
        nearest = np.minimum(nearest, ((some - chosen[-1]) ** 2).sum(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a part that loses all its pixels stays
        means, _ = kmeans2(some, np.stack(chosen), iter=_ROUNDS, minit="matrix")
    return torch.from_numpy(means).float()


def _soft_masks(
    straight: Float[Tensor, "f 3 y x"], colours: Float[Tensor, "k 3"]
) -> Float[Tensor, "f k y x"]:
    """How much each pixel belongs to each colour; mixtures at borders count in part.

    The softmax of -|c - m|^2 / (2 s^2), less the |c|^2 that all colours m have in common.
    """
    likeness = 2 * einsum(straight, colours, "f c y x, k c -> f k y x")
    own = rearrange(colours.square().sum(1), "k -> 1 k 1 1")
    return torch.softmax((likeness - own) / (2 * _SHARPNESS**2), 1)
