"""Splats to pixels, tile by tile, and backward.

A pixel meets the splats of its tile from near to far (Kerbl et al. 2023, equation 3):

    s_i = a/2 dx^2 + b dx dy + c/2 dy^2,   alpha_i = min(0.99, o_i exp(-s_i))
    T_i = prod_{j<i} (1 - alpha_j),        features = sum_i T_i alpha_i f_i

without those below 1/255, and stops before the first that would leave 1e-4 of the light or less.
Backward goes from far to near, from the light that was left: with ``v_i`` the inner product of
``f_i`` and the output's gradient,

    dL/dalpha_i = T_i v_i - (sum_{j>i} T_j alpha_j v_j + T_end dL/dT_end) / (1 - alpha_i)

and the six moments ``sum dL/ds {1, dx, dy, dx^2, dx dy, dy^2}`` over pixels hold the gradients of
centre, shape and opacity (`gaussian_gradient_kernels`).

A splat is drawn over one row of the tile at a time. A row is sixteen lanes in one flat buffer, each
loop runs over sixteen lanes of it, and choices are values, not branches: so the compiler turns a
row into a handful of vector instructions. Sums over pixels are kept by lane and added in one order.
"""

import math
from typing import Any, NamedTuple, no_type_check

import numpy as np
from numba import float64
from numba.extending import overload
from numpy.typing import NDArray

from common.raster.jit import kernel
from threed.rendering.gaussian_projection_kernels import GEOMETRY
from threed.rendering.gaussian_tile_kernels import TILE, tile_rectangle

MOMENTS = 6
PLAIN = GEOMETRY + 4
"""Columns of a splat without a normal."""
LANES = np.uintp(TILE)
HALF = 8
"""Lanes of half a row: halves that a splat's box does not touch are left out."""
ALIVE = BEHIND = np.uintp(TILE)
X, LAST, WEIGHT = np.uintp(2 * TILE), np.uintp(3 * TILE), np.uintp(4 * TILE)
MOMENT, RED, GREEN = np.uintp(5 * TILE), np.uintp(6 * TILE), np.uintp(7 * TILE)
BLUE, DEPTH, NORMAL = np.uintp(8 * TILE), np.uintp(9 * TILE), np.uintp(10 * TILE)
FEATURES = 6
"""Where a row's kinds of lanes begin, and how many come before the features: light left; whether
it is alive, or what lies behind; x; last; weight; moment. They are unsigned, and so are indices
they are added to: of signed ones numba would ask whether they count from the end, which cannot be
vectorised."""
_CHECK_EVERY = 16
"""Splats between two looks at whether any pixel of the tile still takes light."""


class Numbers(NamedTuple):
    """Constants in the dtype of the splats: a literal would turn the arithmetic into float64."""

    zero: Any
    one: Any
    most_alpha: Any
    least_alpha: Any
    dark: Any

    @classmethod
    def of(cls, dtype: np.dtype) -> "Numbers":
        """The constants that gsplat and INRIA's code share."""
        return cls(*(dtype.type(value) for value in (0.0, 1.0, 0.99, 1 / 255, 1e-4)))


class Pictures(NamedTuple):
    """What is drawn, views in one row of tiles."""

    features: NDArray
    """(v, h, w, c)."""
    left: NDArray
    """Light that is left behind the last splat (v, h, w)."""
    last: NDArray[np.int32]
    """Place in the tile's list of the last splat drawn, from 1; 0 if there is none."""


@no_type_check
def falloff(x: float) -> float:
    """``exp(-x)`` for ``x >= 0``."""
    return math.exp(-x)


@overload(falloff, inline="always")
@no_type_check
def _falloff(x):
    """In float32 as a polynomial, which vectorises: ``2^-k exp(r)``, relative error below 2e-7.

    ``k`` is ``x / ln 2`` rounded by adding 1.5 * 2^23, which leaves it in the low bits; ``r`` is
    what remains, with ln 2 in two parts; coefficients are those of Cephes.
    """
    if x == float64:
        return no_type_check(lambda x: math.exp(-x))

    @no_type_check
    def polynomial(x):
        bounded = min(x, np.float32(80.0))
        moved = bounded * np.float32(1.44269504) + np.float32(12582912.0)
        bits = np.float32(moved).view(np.int32)
        count = moved - np.float32(12582912.0)
        r = count * np.float32(0.693359375) - bounded
        r = r - count * np.float32(2.12194440e-4)
        p = np.float32(1.9875691500e-4)
        p = p * r + np.float32(1.3981999507e-3)
        p = p * r + np.float32(8.3334519073e-3)
        p = p * r + np.float32(4.1665795894e-2)
        p = p * r + np.float32(1.6666665459e-1)
        p = p * r + np.float32(5.0000001201e-1)
        p = p * r * r + r + np.float32(1.0)
        power = (np.int32(127) - bits) << np.int32(23)
        return p * np.int32(power).view(np.float32)

    return polynomial


@kernel
@no_type_check
def draw_splat(lanes, size, rows, halves, top, splat, step, numbers):
    """One splat over some rows and halves of rows of a tile that begins at row ``top``."""
    zero, one, most, least, dark = numbers
    centre, half, opacity = splat[0], splat[2], splat[5]
    red, green, blue, depth = splat[6], splat[7], splat[8], splat[9]
    for y in range(rows[0], rows[1]):
        dy = splat.dtype.type(top + y + 0.5) - splat[1]
        slope, height = splat[3] * dy, splat[4] * dy * dy
        for part in range(halves[0], halves[1]):
            begin = np.uintp(y * size + part * HALF)
            for i in range(HALF):
                o = begin + np.uintp(i)
                dx = lanes[o + X] - centre
                fall = (half * dx + slope) * dx + height
                alpha = min(most, opacity * falloff(fall))
                light = lanes[o]
                left = light * (one - alpha)
                meets = (alpha >= least) & (fall >= zero) & (lanes[o + ALIVE] > zero)
                drawn, ends = meets & (left > dark), meets & (left <= dark)
                weight = light * alpha if drawn else zero
                lanes[o] = left if drawn else light
                lanes[o + ALIVE] = zero if ends else lanes[o + ALIVE]
                lanes[o + LAST] = step if drawn else lanes[o + LAST]
                lanes[o + WEIGHT] = weight
                lanes[o + RED] += weight * red
                lanes[o + GREEN] += weight * green
                lanes[o + BLUE] += weight * blue
                lanes[o + DEPTH] += weight * depth
    if len(splat) > PLAIN:
        x, y, z = splat[10], splat[11], splat[12]
        for row in range(rows[0], rows[1]):
            for part in range(halves[0], halves[1]):
                begin = np.uintp(row * size + part * HALF)
                for i in range(HALF):
                    o = begin + np.uintp(i)
                    weight = lanes[o + WEIGHT]
                    lanes[o + NORMAL] += weight * x
                    lanes[o + NORMAL + LANES] += weight * y
                    lanes[o + NORMAL + LANES + LANES] += weight * z


@kernel
@no_type_check
def touched_part(box, top, side):
    """Rows of a tile that a box touches, and halves of them: first, then beyond the last."""
    rows = max(box[1] - top, 0), min(box[3] - top, TILE)
    halves = max(box[0] - side, 0) // HALF, (min(box[2] - side, TILE) + HALF - 1) // HALF
    return rows, halves


@kernel
@no_type_check
def draw_tiles(start, stop, splats, lists, grid, numbers, pictures):
    """Draw tiles ``start`` to ``stop`` of all views."""
    zero, one = numbers.zero, numbers.one
    _, height, width, channels = pictures.features.shape
    size = (FEATURES + channels) * TILE
    lanes = np.empty(TILE * size, splats.rows.dtype)
    for tile in range(start, stop):
        view, rest = tile // (grid[0] * grid[1]), tile % (grid[0] * grid[1])
        top, side = rest // grid[1] * TILE, rest % grid[1] * TILE
        for y in range(TILE):
            row = lanes[y * size : y * size + size]
            row[:] = zero
            for x in range(TILE):
                row[x] = one
                inside = (y + top < height) & (x + side < width)
                row[TILE + x] = one if inside else zero
                row[2 * TILE + x] = side + x + 0.5
        step = zero
        first, end = lists.starts[tile], lists.starts[tile + 1]
        for k in range(first, end):
            if (k - first) % _CHECK_EVERY == 0 and not _any_alive(lanes, size, zero):
                break
            step += one
            splat, box = splats.rows[lists.splats[k]], splats.boxes[lists.splats[k]]
            rows, halves = touched_part(box, top, side)
            draw_splat(lanes, size, rows, halves, top, splat, step, numbers)
        for y in range(min(TILE, height - top)):
            row = lanes[y * size : y * size + size]
            for x in range(min(TILE, width - side)):
                pictures.left[view, top + y, side + x] = row[x]
                pictures.last[view, top + y, side + x] = int(row[3 * TILE + x])
                for channel in range(channels):
                    value = row[(FEATURES + channel) * TILE + x]
                    pictures.features[view, top + y, side + x, channel] = value


@kernel
@no_type_check
def _any_alive(lanes, size, zero):
    for y in range(TILE):
        for x in range(TILE):
            if lanes[y * size + TILE + x] > zero:
                return True
    return False


@kernel
@no_type_check
def undraw_splat(lanes, size, rows, halves, top, splat, step, numbers):
    """One splat backward over part of a tile: its moments and weights, and light as before it.

    Where features are drawn, the lanes hold their gradients.
    """
    zero, one, most, least, _ = numbers
    centre, half, opacity = splat[0], splat[2], splat[5]
    red, green, blue, depth = splat[6], splat[7], splat[8], splat[9]
    for y in range(rows[0], rows[1]):
        dy = splat.dtype.type(top + y + 0.5) - splat[1]
        slope, height = splat[3] * dy, splat[4] * dy * dy
        for part in range(halves[0], halves[1]):
            begin = np.uintp(y * size + part * HALF)
            for i in range(HALF):
                o = begin + np.uintp(i)
                dx = lanes[o + X] - centre
                fall = (half * dx + slope) * dx + height
                full = opacity * falloff(fall)
                alpha = min(most, full)
                drawn = (alpha >= least) & (fall >= zero) & (step <= lanes[o + LAST])
                value = (
                    lanes[o + RED] * red + lanes[o + GREEN] * green + lanes[o + BLUE] * blue
                    + lanes[o + DEPTH] * depth + lanes[o + MOMENT]
                )  # fmt: skip
                inverse = one / (one - alpha)
                light = lanes[o] * inverse
                share = light * alpha
                pull = share * value
                steep = pull - alpha * inverse * lanes[o + BEHIND]
                lanes[o] = light if drawn else lanes[o]
                lanes[o + BEHIND] += pull if drawn else zero
                lanes[o + WEIGHT] = share if drawn else zero
                lanes[o + MOMENT] = -steep if drawn & (full <= most) else zero


@kernel
@no_type_check
def start_values(lanes, size, rows, halves, splat, zero):
    """Write what the normal adds to a splat's worth, or zero, where the moment will be.

    Lanes that the splat does not touch have neither moment nor weight.
    """
    normals = len(splat) > PLAIN
    for y in range(rows[0], rows[1]):
        begin = np.uintp(y * size)
        for i in range(TILE):
            lanes[begin + WEIGHT + np.uintp(i)] = zero
        for i in range(TILE):
            lanes[begin + MOMENT + np.uintp(i)] = zero
        if normals:
            for i in range(halves[0] * HALF, halves[1] * HALF):
                o = begin + NORMAL + np.uintp(i)
                lanes[begin + MOMENT + np.uintp(i)] = (
                    lanes[o] * splat[10] + lanes[o + LANES] * splat[11]
                    + lanes[o + LANES + LANES] * splat[12]
                )  # fmt: skip


@kernel
@no_type_check
def add_lanes(lanes, size, rows, top, splat, sums):
    """Add moments and weighted gradients of the rows to ``sums``, lane by lane."""
    centre = splat[0]
    for y in range(rows[0], rows[1]):
        dy = splat.dtype.type(top + y + 0.5) - splat[1]
        down, begin = dy * dy, np.uintp(y * size)
        for i in range(TILE):
            o = begin + np.uintp(i)
            dx, moment, weight = lanes[o + X] - centre, lanes[o + MOMENT], lanes[o + WEIGHT]
            first = moment * dx
            sums[i] += moment
            sums[TILE + i] += first
            sums[2 * TILE + i] += moment * dy
            sums[3 * TILE + i] += first * dx
            sums[4 * TILE + i] += first * dy
            sums[5 * TILE + i] += moment * down
            sums[6 * TILE + i] += weight * lanes[o + RED]
            sums[7 * TILE + i] += weight * lanes[o + GREEN]
            sums[8 * TILE + i] += weight * lanes[o + BLUE]
            sums[9 * TILE + i] += weight * lanes[o + DEPTH]
        if len(splat) > PLAIN:
            for i in range(TILE):
                o = begin + NORMAL + np.uintp(i)
                weight = lanes[begin + WEIGHT + np.uintp(i)]
                sums[10 * TILE + i] += weight * lanes[o]
                sums[11 * TILE + i] += weight * lanes[o + LANES]
                sums[12 * TILE + i] += weight * lanes[o + LANES + LANES]


@kernel
@no_type_check
def undraw_tiles(start, stop, splats, lists, grid, numbers, pictures, grads, grads_left, slots):
    """Write the moments and feature gradients of splats in tiles ``start`` to ``stop``.

    ``grads`` (v, h, w, c) and ``grads_left`` (v, h, w) belong to the pictures; a row of ``slots``
    belongs to one splat in one tile (`Lists.firsts`).
    """
    zero = numbers.zero
    channels = grads.shape[3]
    size = (FEATURES + channels) * TILE
    lanes = np.empty(TILE * size, splats.rows.dtype)
    sums = np.empty((MOMENTS + channels) * TILE, splats.rows.dtype)
    for tile in range(start, stop):
        view, rest = tile // (grid[0] * grid[1]), tile % (grid[0] * grid[1])
        top, side = rest // grid[1] * TILE, rest % grid[1] * TILE
        farthest = _load_tile(lanes, size, view, top, side, pictures, grads, grads_left, zero)
        step = splats.rows.dtype.type(farthest)
        for k in range(lists.starts[tile] + farthest - 1, lists.starts[tile] - 1, -1):
            index = lists.splats[k]
            splat, box = splats.rows[index], splats.boxes[index]
            sums[:] = zero
            rows, halves = touched_part(box, top, side)
            start_values(lanes, size, rows, halves, splat, zero)
            undraw_splat(lanes, size, rows, halves, top, splat, step, numbers)
            add_lanes(lanes, size, rows, top, splat, sums)
            x0, y0, x1, _ = tile_rectangle(box)
            place = (top // TILE - y0) * (x1 - x0) + side // TILE - x0
            slot = slots[lists.firsts[index] + place]
            for kind in range(len(slot)):
                total = zero
                for i in range(TILE):
                    total += sums[kind * TILE + i]
                slot[kind] = total
            step -= numbers.one


@kernel
@no_type_check
def _load_tile(lanes, size, view, top, side, pictures, grads, grads_left, zero):
    """Fill the lanes of a tile; the place in the list of the farthest splat any pixel shows."""
    _, height, width, channels = grads.shape
    farthest = 0
    for y in range(TILE):
        row = lanes[y * size : y * size + size]
        row[:] = zero
        for x in range(TILE):
            row[2 * TILE + x] = side + x + 0.5
            if top + y < height and side + x < width:
                light = pictures.left[view, top + y, side + x]
                last = pictures.last[view, top + y, side + x]
                farthest = max(farthest, last)
                row[x], row[3 * TILE + x] = light, last
                row[TILE + x] = light * grads_left[view, top + y, side + x]
                for channel in range(channels):
                    row[(FEATURES + channel) * TILE + x] = grads[view, top + y, side + x, channel]
    return farthest
