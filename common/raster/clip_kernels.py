"""Clipping of the few triangles that cross the near plane or the integer range."""

from typing import no_type_check

import numpy as np

from common.raster.jit import kernel


@kernel
@no_type_check
def clip_polygon(a, b, c, k, near, guard):
    """Pixel positions of what is left of a triangle, up to 8 corners, and their number.

    Sutherland and Hodgman (1974): in camera space against ``z >= near``, then on the picture
    against ``|x|, |y| <= guard``. ``k``: fx, skew, cx, fy, cy.
    """
    corners = np.empty((10, 3), np.float64)
    clipped = np.empty((10, 3), np.float64)
    for axis in range(3):
        corners[0, axis], corners[1, axis], corners[2, axis] = a[axis], b[axis], c[axis]
    num = clip_half_space(corners, 3, 2, 1.0, near, clipped)
    for i in range(num):
        x, y = clipped[i, 0] / clipped[i, 2], clipped[i, 1] / clipped[i, 2]
        corners[i, 0], corners[i, 1] = k[0] * x + k[1] * y + k[2], k[3] * y + k[4]
    num = clip_half_space(corners, num, 0, 1.0, -guard, clipped)
    num = clip_half_space(clipped, num, 0, -1.0, -guard, corners)
    num = clip_half_space(corners, num, 1, 1.0, -guard, clipped)
    num = clip_half_space(clipped, num, 1, -1.0, -guard, corners)
    return corners, num


@kernel
@no_type_check
def clip_half_space(corners, num, axis, sign, bound, clipped):
    """Keep ``sign * corner[axis] >= bound``; returns the number of corners left.

    The cut of an edge is always computed from its inner end, hence to the same bits in both
    triangles that share it.
    """
    kept = 0
    for i in range(num):
        j = (i + 1) % num
        here, there = sign * corners[i, axis] - bound, sign * corners[j, axis] - bound
        if here >= 0.0:
            clipped[kept] = corners[i]
            kept += 1
        if (here >= 0.0) != (there >= 0.0):
            inner, outer = (i, j) if here >= 0.0 else (j, i)
            t = max(here, there) / abs(here - there)
            for d in range(3):
                clipped[kept, d] = corners[inner, d] + t * (corners[outer, d] - corners[inner, d])
            clipped[kept, axis] = sign * bound
            kept += 1
    return kept
