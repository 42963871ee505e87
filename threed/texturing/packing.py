"""Rectangles on a page, in shelves: as large as they fit."""

import numpy as np
from jaxtyping import Float64, Int64

BISECTIONS = 24


class NoCharts(Exception):
    """A way of making charts does not work for a mesh; the message says why."""


def packed(
    sides: Float64[np.ndarray, "k 2"], page: int, gap: int
) -> tuple[Float64[np.ndarray, "k 2"], float]:
    """Where rectangles lie on a square page, and how many texels long their unit is.

    The largest scale, by bisection, at which shelves of falling height (next fit) take all. The
    surroundings of a rectangle, ``gap / 2`` and half a texel on each side, are its own.

    Args:
        sides: width and height of each, width at least height.
        page: texels along each side of the page.
        gap: least distance in texels.

    Raises:
        NoCharts: they do not fit at any scale.
    """
    order = np.lexsort((-sides[:, 0], -sides[:, 1]))
    ranked = sides[order]
    low, high = 0.0, page / max(float(sides.max()), 1e-300)
    if _shelves(ranked, low, page, gap) is None:
        raise NoCharts(f"{len(sides):,} charts do not fit a page of {page} texels, {gap} apart")
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if _shelves(ranked, middle, page, gap) is None else (middle, high)
    places = _shelves(ranked, low, page, gap)
    assert places is not None
    found = np.empty_like(sides)
    found[order] = places + 0.5 * (gap + 1)
    return found, low


def _shelves(
    sides: Float64[np.ndarray, "k 2"], scale: float, page: int, gap: int
) -> Int64[np.ndarray, "k 2"] | None:
    """Corners of the rectangles with their surroundings; None if they do not fit."""
    cells = np.ceil(sides * scale).astype(np.int64) + gap + 1
    if int(cells.max()) > page or int(cells.prod(1).sum()) > page * page:
        return None
    ends = np.cumsum(cells[:, 0])
    places = np.empty_like(cells)
    first, row = 0, 0
    while first < len(cells):
        before = ends[first] - cells[first, 0]
        last = int(np.searchsorted(ends, before + page, side="right"))
        height = int(cells[first:last, 1].max())
        if row + height > page:
            return None
        places[first:last, 0] = ends[first:last] - cells[first:last, 0] - before
        places[first:last, 1] = row
        first, row = last, row + height
    return places
