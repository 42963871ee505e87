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
def draw_row(row, splat, dy, step, numbers):
    """One splat over one row of lanes: light left, alive, x, last, weight, then features."""
    zero, one, most, least, dark = numbers
    slope, height = splat[3] * dy, splat[4] * dy * dy
    for i in range(TILE):
        dx = row[2 * TILE + i] - splat[0]
        fall = (splat[2] * dx + slope) * dx + height
        alpha = min(most, splat[5] * falloff(fall))
        light = row[i]
        left = light * (one - alpha)
        meets = (alpha >= least) & (fall >= zero) & (row[TILE + i] > zero)
        drawn, ends = meets & (left > dark), meets & (left <= dark)
        row[i] = left if drawn else light
        row[TILE + i] = zero if ends else row[TILE + i]
        row[3 * TILE + i] = step if drawn else row[3 * TILE + i]
        row[4 * TILE + i] = light * alpha if drawn else zero
    for channel in range(len(splat) - GEOMETRY):
        value, place = splat[GEOMETRY + channel], (5 + channel) * TILE
        total = row[place : place + TILE]
        for i in range(TILE):
            total[i] += row[4 * TILE + i] * value


@kernel
@no_type_check
def draw_tiles(start, stop, splats, lists, grid, numbers, pictures):
    """Draw tiles ``start`` to ``stop`` of all views."""
    zero, one = numbers.zero, numbers.one
    _, height, width, channels = pictures.features.shape
    size = (5 + channels) * TILE
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
            for y in range(max(box[1] - top, 0), min(box[3] - top, TILE)):
                row = lanes[y * size : y * size + size]
                dy = splats.rows.dtype.type(top + y + 0.5) - splat[1]
                draw_row(row, splat, dy, step, numbers)
        for y in range(min(TILE, height - top)):
            row = lanes[y * size : y * size + size]
            for x in range(min(TILE, width - side)):
                pictures.left[view, top + y, side + x] = row[x]
                pictures.last[view, top + y, side + x] = int(row[3 * TILE + x])
                for channel in range(channels):
                    value = row[(5 + channel) * TILE + x]
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
def undraw_row(row, splat, dy, step, numbers, sums):
    """Add what one row says to a splat's moments and features, lane by lane.

    The row holds light left, x, last, what lies behind, a value, a weight, then gradients.
    """
    zero, one, most, least, _ = numbers
    value, weight = row[4 * TILE : 5 * TILE], row[5 * TILE : 6 * TILE]
    value[:] = zero
    channels = len(splat) - GEOMETRY
    for channel in range(channels):
        feature, grads = splat[GEOMETRY + channel], row[(6 + channel) * TILE :]
        for i in range(TILE):
            value[i] += grads[i] * feature
    slope, height = splat[3] * dy, splat[4] * dy * dy
    for i in range(TILE):
        dx = row[TILE + i] - splat[0]
        fall = (splat[2] * dx + slope) * dx + height
        full = splat[5] * falloff(fall)
        alpha = min(most, full)
        drawn = (alpha >= least) & (fall >= zero) & (step <= row[2 * TILE + i])
        inverse = one / (one - alpha)
        light = row[i] * inverse
        share = light * alpha
        pull = share * row[4 * TILE + i]
        steep = pull - alpha * inverse * row[3 * TILE + i]
        row[i] = light if drawn else row[i]
        row[3 * TILE + i] += pull if drawn else zero
        row[5 * TILE + i] = share if drawn else zero
        row[4 * TILE + i] = -steep if drawn & (full <= most) else zero
    for i in range(TILE):
        dx, moment = row[TILE + i] - splat[0], row[4 * TILE + i]
        sums[i] += moment
        sums[TILE + i] += moment * dx
        sums[2 * TILE + i] += moment * dy
        sums[3 * TILE + i] += moment * dx * dx
        sums[4 * TILE + i] += moment * dx * dy
        sums[5 * TILE + i] += moment * dy * dy
    for channel in range(channels):
        grads, total = row[(6 + channel) * TILE :], sums[(MOMENTS + channel) * TILE :]
        for i in range(TILE):
            total[i] += weight[i] * grads[i]


@kernel
@no_type_check
def undraw_tiles(start, stop, splats, lists, grid, numbers, pictures, grads, grads_left, slots):
    """Write the moments and feature gradients of splats in tiles ``start`` to ``stop``.

    ``grads`` (v, h, w, c) and ``grads_left`` (v, h, w) belong to the pictures; a row of ``slots``
    belongs to one splat in one tile (`Lists.firsts`).
    """
    zero = numbers.zero
    channels = grads.shape[3]
    size = (6 + channels) * TILE
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
            for y in range(max(box[1] - top, 0), min(box[3] - top, TILE)):
                row = lanes[y * size : y * size + size]
                dy = splats.rows.dtype.type(top + y + 0.5) - splat[1]
                undraw_row(row, splat, dy, step, numbers, sums)
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
            row[TILE + x] = side + x + 0.5
            if top + y < height and side + x < width:
                light = pictures.left[view, top + y, side + x]
                last = pictures.last[view, top + y, side + x]
                farthest = max(farthest, last)
                row[x], row[2 * TILE + x] = light, last
                row[3 * TILE + x] = light * grads_left[view, top + y, side + x]
                for channel in range(channels):
                    row[(6 + channel) * TILE + x] = grads[view, top + y, side + x, channel]
    return farthest
