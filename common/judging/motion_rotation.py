"""How frames are turned against each other in the picture's plane, measured from the pictures.

Second moments are blind for round things, so whole pictures are compared: every frame is resampled
to polar coordinates about its centroid, at radii in proportion to its size, and all pairs are
correlated along the angle by FFT (the polar registration of De Castro and Morandi 1987, for all
turns at once). Moving and growing do not matter to it.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor

NUM_ANGLES, NUM_RADII = 120, 24
REACH = 1.1
"""Largest radius, in sizes (square roots of the area): beyond the corners of most things."""
STILLNESS = 0.04
"""A half turn must be likelier than no turn by this much: of equal peaks the nearest counts."""
ROUNDNESS = 0.01
"""Share of the energy that must vary along the angle before a turn can be told."""
FINEST = 10.0
"""Waves round the circle at which the picture is smoothed to exp(-1/2): the corners of pixels do
not turn with the thing, and would hold small turns back."""


@dataclass(frozen=True, eq=False)
class Registration:
    """Frames compared with each other as wholes."""

    turn_deg: Float[Tensor, " f"]
    """Sum of the turns from frame to frame since the first, counter-clockwise."""
    upright: Float[Tensor, "f f"]
    """Correlation of two frames' pictures as they stand, in [-1, 1]."""
    turned: Float[Tensor, "f f"]
    """The same, turned so that they fit best; at least ``upright``."""


def registered(
    pictures: Float[Tensor, "f 4 y x"], centroid: Float[Tensor, "f 2"], size: Float[Tensor, " f"]
) -> Registration:
    """Compare all frames, premultiplied in [0, 1], with each other.

    With p_t(r, a) the picture around the centroid, smoothed along a and without its mean over a,
    and weights r, the correlation of frames t and s after a turn by d is

        R_ts(d) = sum_ra r p_t(r, a) p_s(r, a + d) / sqrt(E_t E_s),    E_t = sum_ra r p_t(r, a)^2,

    with a small share of the whole energy added to each E so that round things, for which no turn
    can be told, correlate with nothing.
    """
    rings = polar(pictures, centroid, size)
    radii = torch.arange(NUM_RADII) + 0.5
    weighted = rings * radii[:, None].sqrt()
    waves = rearrange(torch.fft.rfft(weighted, dim=3), "f c r a -> f (c r) a")
    number = torch.arange(waves.shape[2])
    waves = waves * (torch.exp(-0.5 * (number / FINEST) ** 2) * (number > 0))
    product = einsum(waves.conj(), waves, "t k a, s k a -> t s a")
    overlap = torch.fft.irfft(product, n=NUM_ANGLES, dim=2)
    uneven = torch.diagonal(overlap[:, :, 0])
    energy = uneven + ROUNDNESS * weighted.square().sum((1, 2, 3))
    correlation = overlap / (energy[:, None] * energy[None]).sqrt().clamp_min(1e-9)[:, :, None]
    steps = _best_turn(torch.diagonal(correlation, offset=1).T)
    return Registration(F.pad(steps.cumsum(0), (1, 0)), correlation[:, :, 0], correlation.amax(2))


def polar(
    pictures: Float[Tensor, "f 4 y x"], centroid: Float[Tensor, "f 2"], size: Float[Tensor, " f"]
) -> Float[Tensor, "f 4 r a"]:
    """Pictures around their centroids: ring by ring from the inside, counter-clockwise from +x."""
    radii = (torch.arange(NUM_RADII) + 0.5) / NUM_RADII * REACH
    angles = torch.arange(NUM_ANGLES) * (2 * math.pi / NUM_ANGLES)
    directions = torch.stack([angles.cos(), angles.sin()], 1)
    offsets = radii[:, None, None] * directions
    return sampled(pictures, centroid[:, None, None] + size[:, None, None, None] * offsets)


def sampled(
    pictures: Float[Tensor, "f 4 y x"], places: Float[Tensor, "f i j 2"]
) -> Float[Tensor, "f 4 i j"]:
    """Pictures looked up at places in sides of the frame (y up); nothing outside."""
    rows, columns = pictures.shape[2:]
    side = max(rows, columns)
    x = places[..., 0] * (2 * side / columns) - 1
    y = 1 - places[..., 1] * (2 * side / rows)
    grid = torch.stack([x, y], -1)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _best_turn(correlation: Float[Tensor, "n a"]) -> Float[Tensor, " n"]:
    """Degrees in [-180, 180) at which each curve is highest, between samples by a parabola."""
    step = 360.0 / NUM_ANGLES
    away = torch.arange(NUM_ANGLES) * step
    away = torch.minimum(away, 360.0 - away) / 180.0
    best = (correlation - STILLNESS * away).argmax(1, keepdim=True)
    before, peak, after = (
        correlation.gather(1, (best + shift) % NUM_ANGLES)[:, 0] for shift in (-1, 0, 1)
    )
    bend = before - 2 * peak + after
    between = torch.where(bend < -1e-6, 0.5 * (before - after) / bend.clamp_max(-1e-6), 0.0)
    turn = (best[:, 0] + between.clamp(-0.5, 0.5)) * step
    return (turn + 180.0) % 360.0 - 180.0
