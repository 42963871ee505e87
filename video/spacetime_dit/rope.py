"""Rotary positions in time, height and width (Su et al. 2021, arXiv 2104.09864, equation 34).

A head's ``d`` features are ``d / 2`` pairs ``(i, i + d / 2)``; a quarter of them tells time,
the others height and width. Pair ``i`` of an axis with ``m`` pairs turns by ``x base^(-i / m)`` at
coordinate ``x``, so that the product of a query and a key depends on how far apart their tokens
are, and on nothing else. Coordinates are real numbers: time in frames, places in `CELLS`-ths of a
picture's shorter side, so that clips of other lengths, sizes and shapes mean the same by them.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from video.spacetime_dit.architecture import Patch

CELLS = 16.0
"""Units of a picture's shorter side, as many as the latent of 128 pixels has cells."""


Turns = Float[Tensor, "2 b n e"]
"""Cosines and sines by which the features of a head turn at each token."""


def axis_pairs(head_channels: int) -> tuple[int, int, int]:
    """Pairs of a head's features that tell time, height and width."""
    time = head_channels // 8
    height = (head_channels // 2 - time) // 2
    return time, height, head_channels // 2 - time - height


def angles(
    coordinates: Float[Tensor, "b n 3"], head_channels: int, base: float
) -> Float[Tensor, "b n p"]:
    """The angle of every pair of features, ``p = head_channels / 2``, time's first."""
    found = []
    for axis, count in enumerate(axis_pairs(head_channels)):
        exponents = torch.arange(count, device=coordinates.device) / count
        found.append(coordinates[..., axis, None] * base**-exponents)
    return torch.cat(found, -1)


def turns_of(angles: Float[Tensor, "b n p"]) -> Turns:
    """Cosine and sine of the angles, for each of the two features of a pair."""
    cosine, sine = angles.cos(), angles.sin()
    return torch.stack([torch.cat([cosine, cosine], -1), torch.cat([-sine, sine], -1)])


def rotated(features: Float[Tensor, "b k n e"], turns: Turns) -> Float[Tensor, "b k n e"]:
    """Features whose pairs are turned as `turns_of` says for their tokens."""
    cosine, sine = turns[:, :, None].to(features.dtype)
    swapped = features.roll(features.shape[-1] // 2, -1)
    return torch.addcmul(features * cosine, swapped, sine)


def token_coordinates(
    times: Float[Tensor, "b f"], cells: tuple[int, int], patch: Patch
) -> Float[Tensor, "b n 3"]:
    """Time, height and width of the centre of every token, in the order of `patches_of`.

    Args:
        times: of each frame, counted in frames; as many as divide by the patch's.
        cells: rows and columns of the latent, before it is padded to whole patches.
        patch: what a token holds.
    """
    shorter = min(cells)
    when = times.unflatten(1, (-1, patch.frames)).mean(-1)
    axes = []
    for count, size in zip(cells, (patch.height, patch.width), strict=True):
        centres = (torch.arange(-(-count // size), device=times.device) + 0.5) * size
        axes.append((centres - count / 2) * (CELLS / shorter))
    rows, columns = axes
    shape = (*when.shape, len(rows), len(columns))
    grid = (
        when[:, :, None, None].expand(shape),
        rows[:, None].expand(shape),
        columns.expand(shape),
    )
    return torch.stack(grid, -1).flatten(1, 3)
