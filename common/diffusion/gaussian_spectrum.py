"""How the variance of a random field is spread over its frequencies."""

import torch
from jaxtyping import Float64, Int64
from torch import Tensor

BANDS_PER_OCTAVE = 4
CORNER_CYCLES = 1.5
"""Waves across the picture (or over the clip) above which the power falls."""
WHITE_FRACTION = 1e-3
"""Share of the mean variance that every coefficient has at least: no direction is without noise."""


def power_law_bands(
    axes: tuple[int, ...], variation: float, smoothness: float
) -> tuple[Int64[Tensor, " n"], Float64[Tensor, " bands"]]:
    """Bands of cosine coefficients, with one variance each.

    The variance at frequency ``r`` (waves per picture height or clip, all axes together) is
    proportional to ``(1 + (r / 1.5)^2)^(-smoothness / 2)`` plus a small white part, constant within
    a quarter octave, and averages ``variation^2`` over all elements.

    Returns:
        The band of each coefficient, axes flattened, and the variance of each band.
    """
    square = torch.zeros(axes, dtype=torch.float64)
    for axis, size in enumerate(axes):
        waves = torch.arange(size, dtype=torch.float64) / 2
        square += (waves**2).reshape(-1, *[1] * (len(axes) - axis - 1))
    octaves = square.sqrt().clamp(min=0.25).log2()
    levels, band_of = torch.unique(
        (octaves * BANDS_PER_OCTAVE).round().flatten(), return_inverse=True
    )
    radius = 2.0 ** (levels / BANDS_PER_OCTAVE)
    shape = (1 + (radius / CORNER_CYCLES) ** 2) ** (-smoothness / 2)
    mean = (shape * torch.bincount(band_of)).sum() / band_of.numel()
    share = (1 - WHITE_FRACTION) * shape / mean + WHITE_FRACTION
    return band_of, variation**2 * share


def isotropic_band(
    axes: tuple[int, ...], variation: float
) -> tuple[Int64[Tensor, " n"], Float64[Tensor, " bands"]]:
    """One band: the same variance everywhere."""
    band_of = torch.zeros(torch.Size(axes).numel(), dtype=torch.int64)
    return band_of, torch.tensor([variation**2], dtype=torch.float64)
