"""Bilinear and trilinear texture lookups and their gradients, on flat lists of pixels.

All levels of a texture lie in one array of texels; ``starts[l]`` is the first texel of level l and
``sizes[l]`` its height and width. v points up, rows down: ``x = u width - 1/2``,
``y = (1 - v) height - 1/2`` in texel-centre coordinates.
"""

from typing import no_type_check

import numpy as np

from common.raster.barycentric_kernels import edge_planes
from common.raster.jit import kernel


@kernel
@no_type_check
def footprint(u, v, height, width, repeat):
    """The two rows and two columns of texels around a position, and the weights of the second."""
    x, y = u * width - 0.5, (1.0 - v) * height - 0.5
    left, top = np.floor(x), np.floor(y)
    rows = (texel_index(top, height, repeat), texel_index(top + 1.0, height, repeat))
    columns = (texel_index(left, width, repeat), texel_index(left + 1.0, width, repeat))
    return rows, columns, x - left, y - top


@kernel
@no_type_check
def texel_index(position, count, repeat):
    """The texel at a whole position that may lie outside."""
    if repeat:
        # the quotient can round up to the next whole turn
        position = position - count * np.floor(position / count)
    return np.int64(min(max(position, 0.0), count - 1.0))


@kernel
@no_type_check
def level_pair(level, num_levels):
    """The finer of the two levels to blend, and the weight of the coarser one."""
    level = min(max(np.float64(level), 0.0), num_levels - 1.0)
    fine = min(np.int64(level), max(num_levels - 2, 0))
    return fine, level - fine


@kernel
@no_type_check
def sample_pixel(texels, starts, sizes, u, v, level, repeat, value):
    """Write one lookup to ``value``."""
    for c in range(len(value)):
        value[c] = 0.0
    fine, coarse_weight = level_pair(level, len(starts))
    for i in range(2):
        level_weight = coarse_weight if i == 1 else 1.0 - coarse_weight
        if level_weight == 0.0:
            continue
        height, width = sizes[fine + i, 0], sizes[fine + i, 1]
        rows, columns, wx, wy = footprint(u, v, height, width, repeat)
        for corner in range(4):
            dy, dx = corner // 2, corner % 2
            weight = level_weight * (wy if dy else 1.0 - wy) * (wx if dx else 1.0 - wx)
            texel = starts[fine + i] + rows[dy] * width + columns[dx]
            for c in range(len(value)):
                value[c] += weight * texels[texel, c]


@kernel
@no_type_check
def sample_block(start, stop, texels, starts, sizes, uv, levels, repeat, values):
    """``values[pixel] = texture(uv[pixel])``; ``levels`` is empty for bilinear lookups."""
    value = np.empty(values.shape[1], np.float64)
    for pixel in range(start, stop):
        level = levels[pixel] if len(levels) else 0.0
        u, v = uv[pixel, 0], uv[pixel, 1]
        sample_pixel(texels, starts, sizes, u, v, level, repeat, value)
        values[pixel] = value


@kernel
@no_type_check
def position_gradient_block(
    start, stop, texels, starts, sizes, uv, levels, repeat, grad, grad_uv, grad_levels
):
    """Gradients of the lookup positions: differences of the texels around, times the gradient."""
    dots = np.empty(4, np.float64)
    for pixel in range(start, stop):
        grad_u, grad_v, grad_level = 0.0, 0.0, 0.0
        fine, coarse_weight = level_pair(levels[pixel] if len(levels) else 0.0, len(starts))
        for i in range(1 if len(levels) == 0 or len(starts) == 1 else 2):
            height, width = sizes[fine + i, 0], sizes[fine + i, 1]
            rows, columns, wx, wy = footprint(uv[pixel, 0], uv[pixel, 1], height, width, repeat)
            for corner in range(4):
                texel = starts[fine + i] + rows[corner // 2] * width + columns[corner % 2]
                dots[corner] = 0.0
                for c in range(grad.shape[1]):
                    dots[corner] += grad[pixel, c] * texels[texel, c]
            upper, lower = dots[0] + wx * (dots[1] - dots[0]), dots[2] + wx * (dots[3] - dots[2])
            level_weight = coarse_weight if i == 1 else 1.0 - coarse_weight
            across = (1.0 - wy) * (dots[1] - dots[0]) + wy * (dots[3] - dots[2])
            grad_u += level_weight * width * across
            grad_v -= level_weight * height * (lower - upper)
            grad_level += (2 * i - 1) * (upper + wy * (lower - upper))
        grad_uv[pixel, 0], grad_uv[pixel, 1] = grad_u, grad_v
        if len(levels):
            inside = len(starts) > 1 and 0.0 < levels[pixel] < len(starts) - 1
            grad_levels[pixel] = grad_level if inside else 0.0


@kernel
@no_type_check
def texel_gradient_block(start, stop, starts, sizes, uv, levels, repeat, grad, grad_texels):
    """Gradients of texels ``start`` to ``stop``.

    Every block looks at all pixels and keeps what falls on its own texels, in pixel order: sums
    are then the same for any division into blocks.
    """
    grad_texels[start:stop] = 0.0
    for pixel in range(len(uv)):
        fine, coarse_weight = level_pair(levels[pixel] if len(levels) else 0.0, len(starts))
        for i in range(2):
            level_weight = coarse_weight if i == 1 else 1.0 - coarse_weight
            if level_weight == 0.0:
                continue
            height, width = sizes[fine + i, 0], sizes[fine + i, 1]
            first = starts[fine + i]
            if first >= stop or first + height * width <= start:
                continue
            rows, columns, wx, wy = footprint(uv[pixel, 0], uv[pixel, 1], height, width, repeat)
            for corner in range(4):
                dy, dx = corner // 2, corner % 2
                texel = first + rows[dy] * width + columns[dx]
                if start <= texel < stop:
                    weight = level_weight * (wy if dy else 1.0 - wy) * (wx if dx else 1.0 - wx)
                    for c in range(grad.shape[1]):
                        grad_texels[texel, c] += weight * grad[pixel, c]


@kernel
@no_type_check
def uv_jacobian_rows(start, stop, vertices, faces, k, seen, uvs, uv_faces, jacobian):
    """``d(u, v) / d(x, y)`` at the pixel centres of one view, (h, w, 2, 2): uv by xy."""
    for row in range(start, stop):
        for column in range(seen.shape[1]):
            f = seen[row, column]
            jacobian[row, column] = 0.0
            if f >= 0:
                n = edge_planes(f, vertices, faces)
                slopes = uv_slopes(f, n, row, column, k, uvs, uv_faces)
                for i in range(4):
                    jacobian[row, column, i // 2, i % 2] = slopes[i]


@kernel
@no_type_check
def uv_slopes(f, n, row, column, k, uvs, uv_faces):
    """``du/dx, du/dy, dv/dx, dv/dy`` at a pixel centre; ``n``: the triangle's edge planes.

    ``u = sum_i e_i u_i / sum_i e_i`` with ``e_i`` linear on the picture, so
    ``du = (sum_i de_i u_i - u sum_i de_i) / sum_i e_i``.
    """
    y = (row + 0.5 - k[4]) / k[3]
    x = (column + 0.5 - k[2] - k[1] * y) / k[0]
    u = v = ux = uy = vx = vy = total = total_x = total_y = 0.0
    for i in range(3):
        corner = uv_faces[f, i]
        e = n[i][0] * x + n[i][1] * y + n[i][2]
        ex, ey = n[i][0] / k[0], (n[i][1] - n[i][0] * k[1] / k[0]) / k[3]
        total, total_x, total_y = total + e, total_x + ex, total_y + ey
        u, v = u + e * uvs[corner, 0], v + e * uvs[corner, 1]
        ux, uy = ux + ex * uvs[corner, 0], uy + ey * uvs[corner, 0]
        vx, vy = vx + ex * uvs[corner, 1], vy + ey * uvs[corner, 1]
    if total == 0.0:
        return 0.0, 0.0, 0.0, 0.0
    u, v = u / total, v / total
    ux, uy = (ux - u * total_x) / total, (uy - u * total_y) / total
    return ux, uy, (vx - v * total_x) / total, (vy - v * total_y) / total
