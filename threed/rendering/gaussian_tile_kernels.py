"""Which splats each tile of 16 x 16 pixels shows, nearest first.

Each view's splats are sorted once by depth (a stable radix sort on the bits of the positive
floats), then dealt to the tiles that their boxes touch, in that order. Where a tile's list begins
is known from a count beforehand, so bands of tiles can be dealt at the same time.
"""

from typing import NamedTuple, no_type_check

import numpy as np
from numpy.typing import NDArray

from common.raster.jit import kernel

TILE = 16
BANDS = 4
"""Bands of tile rows of a view that are dealt apart."""
_DIGIT_BITS = 11


class Lists(NamedTuple):
    """The splats of all tiles: tile ``t`` shows ``splats[starts[t]:starts[t + 1]]``."""

    splats: NDArray[np.int32]
    starts: NDArray[np.int64]
    firsts: NDArray[np.int64]
    """The place of a splat's first tile among the tiles of all splats; they follow by rows."""


@kernel
@no_type_check
def tile_rectangle(box):
    """Columns and rows of tiles that a box touches: first, then beyond the last."""
    return (
        box[0] // TILE,
        box[1] // TILE,
        (box[2] + TILE - 1) // TILE,
        (box[3] + TILE - 1) // TILE,
    )


@kernel
@no_type_check
def count_tiles(start, stop, boxes, counts):
    """How many tiles each splat touches."""
    for i in range(start, stop):
        x0, y0, x1, y1 = tile_rectangle(boxes[i])
        counts[i] = (x1 - x0) * (y1 - y0)


@kernel
@no_type_check
def sort_views(start, stop, keys, tile_counts, order, spare, lengths):
    """Write each view's visible splats to ``order`` by depth, equal ones by index.

    ``keys`` (v, n) are the bits of the depths as unsigned integers, ``order`` and ``spare`` (v, n)
    indices; ``lengths`` how many are visible.
    """
    mask = (1 << _DIGIT_BITS) - 1
    places = np.empty(mask + 2, np.int64)
    for view in range(start, stop):
        key, length = keys[view], 0
        here, there = order[view], spare[view]
        for i in range(len(key)):
            if tile_counts[view, i] > 0:
                here[length] = i
                length += 1
        lengths[view] = length
        passes = (8 * key.itemsize + _DIGIT_BITS - 1) // _DIGIT_BITS
        for digit in range(passes):
            shift = digit * _DIGIT_BITS
            places[:] = 0
            for j in range(length):
                places[((key[here[j]] >> shift) & mask) + 1] += 1
            for j in range(mask):
                places[j + 1] += places[j]
            for j in range(length):
                bucket = (key[here[j]] >> shift) & mask
                there[places[bucket]] = here[j]
                places[bucket] += 1
            here, there = there, here
        if passes % 2:
            order[view, :length] = spare[view, :length]


@kernel
@no_type_check
def deal_bands(start, stop, order, lengths, boxes, grid, cursors, splats):
    """Count a band's splats by tile in ``cursors``, or write them there if it holds the starts.

    ``grid`` is how many tile rows and columns a view has; unit ``u`` is band ``u % BANDS`` of view
    ``u // BANDS``. With an empty ``splats`` the tiles are only counted.
    """
    n = order.shape[1]
    rows, columns = grid
    height = (rows + BANDS - 1) // BANDS
    for unit in range(start, stop):
        view, low = unit // BANDS, unit % BANDS * height
        high = min(low + height, rows)
        for j in range(lengths[view]):
            splat = view * n + order[view, j]
            x0, y0, x1, y1 = tile_rectangle(boxes[splat])
            for y in range(max(y0, low), min(y1, high)):
                tile = (view * rows + y) * columns
                for x in range(x0, x1):
                    if len(splats) > 0:
                        splats[cursors[tile + x]] = splat
                    cursors[tile + x] += 1
