"""What is painted on a part: one colour, stripes, dots, checks, wood grain or a gradient.

A pattern is evaluated on one chart at a time, at positions (x, y) in metres on the surface,
origin at the chart's lower left corner, for a chart of the given width and height.
"""

from dataclasses import dataclass
from typing import assert_never

import numpy as np
from jaxtyping import Float

from common.kit.palette import Paint


@dataclass(frozen=True)
class Plain:
    """Only the part's own colour."""


@dataclass(frozen=True)
class Stripes:
    """Even stripes of a second colour across u (upright on upright shapes) or along it (rings)."""

    paint: Paint
    period: float
    """Width of one pair of stripes, as a share of the object's size."""
    upright: bool = False
    share: float = 0.5
    """Share of the period that the second colour takes."""


@dataclass(frozen=True)
class Dots:
    """Round dots of a second colour on a staggered grid."""

    paint: Paint
    period: float
    share: float = 0.6
    """Diameter of a dot as a share of the period."""


@dataclass(frozen=True)
class Checks:
    """A chequerboard with a second colour."""

    paint: Paint
    period: float


@dataclass(frozen=True)
class WoodGrain:
    """Wavy, slightly darker fibres along v (or u)."""

    along_u: bool = False
    contrast: float = 0.14


@dataclass(frozen=True)
class Gradient:
    """A blend from the part's colour at the foot of each chart to a second colour at its top."""

    paint: Paint
    start: float = 0.0
    end: float = 1.0


Pattern = Plain | Stripes | Dots | Checks | WoodGrain | Gradient


def painted(
    pattern: Pattern,
    base: Paint,
    x: Float[np.ndarray, "h w"],
    y: Float[np.ndarray, "h w"],
    size: tuple[float, float],
) -> Float[np.ndarray, "h w 3"]:
    """The sRGB colours of a pattern over ``base`` at surface positions on a chart of ``size``."""
    match pattern:
        case Plain():
            second, share = base, np.zeros_like(x)
        case Stripes():
            second = pattern.paint
            along, length = (x, size[0]) if pattern.upright else (y, size[1])
            share = _pulse(along / _fitting(length, pattern.period), pattern.share)
        case Dots():
            second, share = pattern.paint, _dots(pattern, x, y, size)
        case Checks():
            second = pattern.paint
            columns = np.floor(2 * x / _fitting(size[0], pattern.period))
            rows = np.floor(2 * y / _fitting(size[1], pattern.period))
            share = (columns + rows) % 2
        case WoodGrain():
            second, share = base, np.zeros_like(x)
            along, across = (x, y) if pattern.along_u else (y, x)
            return np.array(base.rgb) * (1 - pattern.contrast * _grain(along, across))[..., None]
        case Gradient():
            second = pattern.paint
            height = y / max(size[1], 1e-9)
            share = np.clip((height - pattern.start) / (pattern.end - pattern.start), 0, 1)
            share = share * share * (3 - 2 * share)
        case _:
            assert_never(pattern)
    return np.array(base.rgb) + share[..., None] * (np.array(second.rgb) - np.array(base.rgb))


def _fitting(length: float, period: float) -> float:
    """The period nearest to the wanted one that divides ``length`` evenly."""
    return length / max(1, round(length / period))


def _pulse(phase: np.ndarray, share: float) -> np.ndarray:
    return (np.abs((phase % 1.0) - 0.5) < 0.5 * share).astype(float)


def _dots(pattern: Dots, x: np.ndarray, y: np.ndarray, size: tuple[float, float]) -> np.ndarray:
    pitch_x, pitch_y = _fitting(size[0], pattern.period), _fitting(size[1], pattern.period)
    row = np.floor(y / pitch_y)
    column = x / pitch_x + 0.5 * (row % 2)
    dx = ((column % 1.0) - 0.5) * pitch_x
    dy = ((y / pitch_y) % 1.0 - 0.5) * pitch_y
    return (np.hypot(dx, dy) < 0.5 * pattern.share * pattern.period).astype(float)


def _grain(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Fibres in [0, 1]: a sine across them, bent by slower waves along them."""
    bend = 0.35 * np.sin(9.0 * along + 7.0 * across) + 0.2 * np.sin(23.0 * along - 15.0 * across)
    return 0.5 + 0.5 * np.sin(110.0 * across + 3.0 * bend)
