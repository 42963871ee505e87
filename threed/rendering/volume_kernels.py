"""Marching rays through a grid: sampling, activation and compositing in one loop, and backward.

A ray's way through the box is cut into equal steps no longer than ``step`` and sampled once in
each. With the density ``s_i = scale * softplus(raw_i)`` and the step's length ``d``:

    a_i = 1 - exp(-s_i d),   T_i = prod_{j<i} (1 - a_j),   w_i = T_i a_i
    opacity = sum w_i,   features = sum w_i f_i,   distance = sum w_i t_i,   square = sum w_i t_i^2

(Max 1995, Optical models for direct volume rendering; the quadrature of Mildenhall et al. 2020,
NeRF, arXiv 2003.08934, equation 3). Backward, with ``v_i`` the inner product of the output's
gradient with what sample ``i`` adds per weight:

    dL/ds_i = d (T_{i+1} v_i - sum_{j>i} w_j v_j),   dL/df_i = w_i dL/dfeatures

where the sum behind ``i`` is the whole, known from the outputs, less what lies in front.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from numpy.typing import NDArray

from common.raster.jit import kernel


class Volume(NamedTuple):
    """The grid as arrays."""

    grid: NDArray
    """Node values (x, y, z, 1 + c): raw density, then the features that are composited."""
    occupied: NDArray[np.uint8]
    """Cells that are sampled (x - 1, y - 1, z - 1); the others count as empty."""
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    scale: float
    """Density for softplus 1, per metre."""


class Rays(NamedTuple):
    """Rays as arrays of rows."""

    origins: NDArray
    directions: NDArray
    """Unit length."""
    offsets: NDArray
    """Where in each of its steps a ray is sampled, in [0, 1)."""
    reach: float
    """Rays end after so many metres."""
    step: float
    """No step is longer, metres."""
    dark: float
    """A ray ends when less than this share of the light is left."""


@kernel
@no_type_check
def box_span(origin, direction, low, high, reach):
    """Where a ray enters and leaves the box; it misses it if the second is not above the first."""
    near, far = 0.0, reach
    for axis in range(3):
        o, d = np.float64(origin[axis]), np.float64(direction[axis])
        if abs(d) < 1e-12:
            if o < low[axis] or o > high[axis]:
                return 1.0, 0.0
            continue
        first, second = (low[axis] - o) / d, (high[axis] - o) / d
        near, far = max(near, min(first, second)), min(far, max(first, second))
    return near, far


@kernel
@no_type_check
def grid_line(origin, direction, low, high, shape):
    """The ray in node coordinates: its origin and its slope, six numbers."""
    x, y, z = ((shape[0] - 1) / (high[0] - low[0]), (shape[1] - 1) / (high[1] - low[1]),
               (shape[2] - 1) / (high[2] - low[2]))  # fmt: skip
    return (
        (origin[0] - low[0]) * x, (origin[1] - low[1]) * y, (origin[2] - low[2]) * z,
        direction[0] * x, direction[1] * y, direction[2] * z,
    )  # fmt: skip


@kernel
@no_type_check
def cell_of(line, t, shape):
    """The cell that holds a point of the ray, and the point's place in it."""
    x, y, z = line[0] + t * line[3], line[1] + t * line[4], line[2] + t * line[5]
    i = min(max(int(x), 0), shape[0] - 2)
    j = min(max(int(y), 0), shape[1] - 2)
    k = min(max(int(z), 0), shape[2] - 2)
    return i, j, k, x - i, y - j, z - k


@kernel
@no_type_check
def corner_weights(x, y, z):
    """Trilinear weights of a cell's corners, z fastest."""
    x0, y0, z0 = 1.0 - x, 1.0 - y, 1.0 - z
    return (
        x0 * y0 * z0, x0 * y0 * z, x0 * y * z0, x0 * y * z,
        x * y0 * z0, x * y0 * z, x * y * z0, x * y * z,
    )  # fmt: skip


@kernel
@no_type_check
def corner_rows(i, j, k, shape):
    """Rows of a cell's corners in the flattened grid, z fastest."""
    row = (i * shape[1] + j) * shape[2] + k
    up, over = shape[2], shape[1] * shape[2]
    return (
        row, row + 1, row + up, row + up + 1,
        row + over, row + over + 1, row + over + up, row + over + up + 1,
    )  # fmt: skip


@kernel
@no_type_check
def blend(nodes, rows, weights, c):
    """One channel of the grid at a point."""
    return (
        weights[0] * nodes[rows[0], c] + weights[1] * nodes[rows[1], c]
        + weights[2] * nodes[rows[2], c] + weights[3] * nodes[rows[3], c]
        + weights[4] * nodes[rows[4], c] + weights[5] * nodes[rows[5], c]
        + weights[6] * nodes[rows[6], c] + weights[7] * nodes[rows[7], c]
    )  # fmt: skip


@kernel
@no_type_check
def softplus(raw):
    """``log(1 + exp(raw))`` without overflow."""
    return max(raw, 0.0) + math.log1p(math.exp(-abs(raw)))


@kernel
@no_type_check
def softplus_and_slope(raw):
    """`softplus` and its derivative ``1 / (1 + exp(-raw))``, by one exponential."""
    small = math.exp(-abs(raw))
    slope = (1.0 if raw >= 0.0 else small) / (1.0 + small)
    return max(raw, 0.0) + math.log1p(small), slope


@kernel
@no_type_check
def march_block(start, stop, volume, rays, totals):
    """Write opacity, features, distance and square of rays ``start`` to ``stop`` to ``totals``."""
    grid, occupied, low, high, scale = volume
    origins, directions, offsets, reach, step, dark = rays
    shape, channels = grid.shape, grid.shape[3]
    nodes = grid.reshape(-1, channels)
    total = np.empty(channels + 2, np.float64)
    for ray in range(start, stop):
        total[:] = 0.0
        near, far = box_span(origins[ray], directions[ray], low, high, reach)
        if far > near:
            line = grid_line(origins[ray], directions[ray], low, high, shape)
            count = max(math.ceil((far - near) / step - 1e-9), 1)
            length = (far - near) / count
            left = 1.0
            for i in range(count):
                t = near + (i + offsets[ray]) * length
                a, b, c, x, y, z = cell_of(line, t, shape)
                if occupied[a, b, c] == 0:
                    continue
                weights, rows = corner_weights(x, y, z), corner_rows(a, b, c, shape)
                thin = math.exp(-scale * length * softplus(blend(nodes, rows, weights, 0)))
                weight = left * (1.0 - thin)
                total[0] += weight
                for channel in range(1, channels):
                    total[channel] += weight * blend(nodes, rows, weights, channel)
                total[channels] += weight * t
                total[channels + 1] += weight * t * t
                left *= thin
                if left < dark:
                    break
        for channel in range(channels + 2):
            totals[ray, channel] = total[channel]


@kernel
@no_type_check
def march_bands_backward(start, stop, volume, rays, totals, grads, band_rays, sums):
    """Add the gradients of the nodes to ``sums`` (bands, nodes, 1 + c), one sum a band of rays."""
    grid, occupied, low, high, scale = volume
    origins, directions, offsets, reach, step, dark = rays
    shape, channels = grid.shape, grid.shape[3]
    nodes = grid.reshape(-1, channels)
    pulls = np.empty(channels, sums.dtype)
    for band in range(start, stop):
        target = sums[band]
        for ray in range(band * band_rays, min(band * band_rays + band_rays, len(origins))):
            near, far = box_span(origins[ray], directions[ray], low, high, reach)
            behind = 0.0
            for channel in range(channels + 2):
                behind += grads[ray, channel] * totals[ray, channel]
            if not far > near or totals[ray, 0] == 0.0:
                continue
            line = grid_line(origins[ray], directions[ray], low, high, shape)
            count = max(math.ceil((far - near) / step - 1e-9), 1)
            length = (far - near) / count
            left = 1.0
            for i in range(count):
                t = near + (i + offsets[ray]) * length
                a, b, c, x, y, z = cell_of(line, t, shape)
                if occupied[a, b, c] == 0:
                    continue
                weights, rows = corner_weights(x, y, z), corner_rows(a, b, c, shape)
                raw = blend(nodes, rows, weights, 0)
                soft, slope = softplus_and_slope(raw)
                thin = math.exp(-scale * length * soft)
                weight = left * (1.0 - thin)
                value = grads[ray, 0] + (grads[ray, channels] + grads[ray, channels + 1] * t) * t
                for channel in range(1, channels):
                    value += grads[ray, channel] * blend(nodes, rows, weights, channel)
                left *= thin
                behind -= weight * value
                pulls[0] = scale * length * (left * value - behind) * slope
                for channel in range(1, channels):
                    pulls[channel] = weight * grads[ray, channel]
                for corner in range(8):
                    row, share = rows[corner], sums.dtype.type(weights[corner])
                    if channels == 4:  # density and colour: four sums that stand together
                        target[row, 0] += share * pulls[0]
                        target[row, 1] += share * pulls[1]
                        target[row, 2] += share * pulls[2]
                        target[row, 3] += share * pulls[3]
                    else:
                        for channel in range(channels):
                            target[row, channel] += share * pulls[channel]
                if left < dark:
                    break
