"""Reading and teaching a multi-resolution hash grid, one level after another.

Each level has one owner, so sums of gradients have one order and results do not depend on the
number of threads.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from numpy.typing import NDArray

from common.raster.jit import kernel


class HashLevels(NamedTuple):
    """The levels as arrays."""

    cells: NDArray[np.int64]
    """Cells a side of each level."""
    entries: int
    """Of a table, a power of two."""


@kernel
@no_type_check
def entry_of(i, j, k, cells, entries):
    """The row of a node in its level's table: its own if the table has room, hashed otherwise."""
    side = cells + 1
    if side * side * side <= entries:
        return (i * side + j) * side + k
    mixed = (
        np.uint32(i)
        ^ (np.uint32(j) * np.uint32(2654435761))
        ^ (np.uint32(k) * np.uint32(805459861))
    )
    return np.int64(mixed & np.uint32(entries - 1))


@kernel
@no_type_check
def cell_of(points, n, cells):
    """The cell of a level that holds point ``n``, and the point's place in it."""
    x, y, z = points[n, 0] * cells, points[n, 1] * cells, points[n, 2] * cells
    i = min(max(int(x), 0), cells - 1)
    j = min(max(int(y), 0), cells - 1)
    k = min(max(int(z), 0), cells - 1)
    return i, j, k, x - i, y - j, z - k


@kernel
@no_type_check
def read_levels(start, stop, levels, points, tables, features):
    """Write the features of ``points`` (n, 3) in [0, 1] of levels ``start`` to ``stop``.

    ``tables`` is (levels, entries, c), ``features`` (n, levels, c).
    """
    all_cells, entries = levels
    channels = tables.shape[2]
    for level in range(start, stop):
        cells, table = all_cells[level], tables[level]
        for n in range(len(points)):
            i, j, k, x, y, z = cell_of(points, n, cells)
            for c in range(channels):
                features[n, level, c] = 0.0
            for corner in range(8):
                a, b, d = corner >> 2, (corner >> 1) & 1, corner & 1
                weight = (x if a else 1 - x) * (y if b else 1 - y) * (z if d else 1 - z)
                row = entry_of(i + a, j + b, k + d, cells, entries)
                for c in range(channels):
                    features[n, level, c] += weight * table[row, c]


@kernel
@no_type_check
def teach_levels(start, stop, levels, points, gradients, sums):
    """Add the gradients of features (n, levels, c) to those of the tables, ``sums``."""
    all_cells, entries = levels
    channels = sums.shape[2]
    for level in range(start, stop):
        cells, table = all_cells[level], sums[level]
        for n in range(len(points)):
            i, j, k, x, y, z = cell_of(points, n, cells)
            for corner in range(8):
                a, b, d = corner >> 2, (corner >> 1) & 1, corner & 1
                weight = (x if a else 1 - x) * (y if b else 1 - y) * (z if d else 1 - z)
                row = entry_of(i + a, j + b, k + d, cells, entries)
                for c in range(channels):
                    table[row, c] += weight * gradients[n, level, c]
