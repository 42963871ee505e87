"""Barycentric coordinates and depth at the pixel centres of one view, and their gradients.

With corners ``p0, p1, p2`` in camera space and the ray ``r`` of a pixel (z = 1), the volumes
``e0 = (p1 x p2) . r`` and so on give perspective-correct barycentric coordinates
``b_i = e_i / (e0 + e1 + e2)`` without any division by a corner's depth (homogeneous coordinates;
Olano and Greer 1997), so corners behind the camera do no harm. Snapping can put a pixel centre
outside its triangle by 1/8192 pixel: coordinates are then clamped at 0 and rescaled to sum 1.

Vectors are tuples, which the compiler keeps in registers; small arrays cost several times as much.
"""

from typing import no_type_check

import numpy as np

from common.raster.jit import kernel


@kernel
@no_type_check
def locate_rows(start, stop, vertices, faces, k, seen, barycentric, depth):
    """Barycentric coordinates and depth for rows of one view; zeros where nothing is seen."""
    for row in range(start, stop):
        y = (row + 0.5 - k[4]) / k[3]
        last, p = -1, corners_of(0, vertices, faces)
        n = planes_of(p)
        for column in range(seen.shape[1]):
            f, b, z = seen[row, column], (0.0, 0.0, 0.0), 0.0
            if f >= 0:
                if f != last:
                    last, p = f, corners_of(f, vertices, faces)
                    n = planes_of(p)
                x = (column + 0.5 - k[2] - k[1] * y) / k[0]
                b, _, _ = inside_barycentric(n, x, y)
                z = b[0] * p[0][2] + b[1] * p[1][2] + b[2] * p[2][2]
            depth[row, column] = z
            barycentric[row, column, 0] = b[0]
            barycentric[row, column, 1] = b[1]
            barycentric[row, column, 2] = b[2]


@kernel
@no_type_check
def corners_of(f, vertices, faces):
    """The three corners of a triangle."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    return vector(vertices, a), vector(vertices, b), vector(vertices, c)


@kernel
@no_type_check
def vector(values, row):
    """Three numbers of a table's row, in float64."""
    return np.float64(values[row, 0]), np.float64(values[row, 1]), np.float64(values[row, 2])


@kernel
@no_type_check
def planes_of(p):
    """Normals ``n_i = p_j x p_k`` of the planes through the eye and each edge."""
    return cross(p[1], p[2]), cross(p[2], p[0]), cross(p[0], p[1])


@kernel
@no_type_check
def edge_planes(f, vertices, faces):
    """`planes_of` a triangle given by its index."""
    return planes_of(corners_of(f, vertices, faces))


@kernel
@no_type_check
def cross(a, b):
    """Vector product."""
    x = a[1] * b[2] - a[2] * b[1]
    y = a[2] * b[0] - a[0] * b[2]
    return x, y, a[0] * b[1] - a[1] * b[0]


@kernel
@no_type_check
def volume(n, x, y):
    """``n . r`` for the ray ``r = (x, y, 1)``."""
    return n[0] * x + n[1] * y + n[2]


@kernel
@no_type_check
def inside_barycentric(n, x, y):
    """Clamped coordinates on the ray (x, y, 1), 1/(e0 + e1 + e2), and their sum before rescaling.

    A triangle seen edge-on has no coordinates: its centre is taken, and the returned 0 stops its
    gradient.
    """
    e0, e1, e2 = volume(n[0], x, y), volume(n[1], x, y), volume(n[2], x, y)
    total = e0 + e1 + e2
    if abs(total) <= 1e-14 * (abs(e0) + abs(e1) + abs(e2)) or total == 0.0:
        return (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0), 0.0, 1.0
    inverse = 1.0 / total
    b0, b1, b2 = max(e0 * inverse, 0.0), max(e1 * inverse, 0.0), max(e2 * inverse, 0.0)
    kept = b0 + b1 + b2
    return (b0 / kept, b1 / kept, b2 / kept), inverse, kept


@kernel
@no_type_check
def locate_bands_backward(
    start, stop, vertices, faces, k, seen, rows, grad_barycentric, grad_depth, sums
):
    """Gradients of camera-space corners from those of coordinates and depth, one sum per band.

    Neighbouring pixels of a row in the same triangle are gathered in the moments
    ``G_i = sum (dL/de_i) r`` first. ``sums``: (bands, n, 3) float64, zero at first.
    """
    zero = (0.0, 0.0, 0.0)
    for band in range(start, stop):
        total = sums[band]
        for row in range(band * rows, min(band * rows + rows, seen.shape[0])):
            y = (row + 0.5 - k[4]) / k[3]
            last, p = -1, corners_of(0, vertices, faces)
            n, m0, m1, m2, along = planes_of(p), zero, zero, zero, zero
            for column in range(seen.shape[1]):
                f = seen[row, column]
                if f != last:
                    if last >= 0:
                        add_corner_gradients(last, faces, p, m0, m1, m2, along, total)
                    if f >= 0:
                        p = corners_of(f, vertices, faces)
                        n, m0, m1, m2, along = planes_of(p), zero, zero, zero, zero
                    last = f
                if f < 0:
                    continue
                x = (column + 0.5 - k[2] - k[1] * y) / k[0]
                g0 = np.float64(grad_barycentric[row, column, 0])
                g1 = np.float64(grad_barycentric[row, column, 1])
                g2 = np.float64(grad_barycentric[row, column, 2])
                gz = np.float64(grad_depth[row, column])
                b, inverse, kept = inside_barycentric(n, x, y)
                h = volume_gradients((g0, g1, g2), gz, p, b, inverse, kept)
                m0, m1, m2 = gather(m0, h[0], x, y), gather(m1, h[1], x, y), gather(m2, h[2], x, y)
                along = (along[0] + gz * b[0], along[1] + gz * b[1], along[2] + gz * b[2])
            if last >= 0:
                add_corner_gradients(last, faces, p, m0, m1, m2, along, total)


@kernel
@no_type_check
def gather(moment, h, x, y):
    """Add ``h r``."""
    return moment[0] + h * x, moment[1] + h * y, moment[2] + h


@kernel
@no_type_check
def volume_gradients(g, gz, p, b, inverse, kept):
    """``dL/de_i`` from the gradients of the coordinates and of depth ``sum b_i z_i``.

    ``b = max(a, 0) / kept`` with ``a = e / sum(e)``; clamped coordinates pass nothing on.
    """
    g0, g1, g2 = g[0] + gz * p[0][2], g[1] + gz * p[1][2], g[2] + gz * p[2][2]
    mean = g0 * b[0] + g1 * b[1] + g2 * b[2]
    h0 = (g0 - mean) / kept if b[0] > 0.0 else 0.0
    h1 = (g1 - mean) / kept if b[1] > 0.0 else 0.0
    h2 = (g2 - mean) / kept if b[2] > 0.0 else 0.0
    mean = (h0 * b[0] + h1 * b[1] + h2 * b[2]) * kept
    return (h0 - mean) * inverse, (h1 - mean) * inverse, (h2 - mean) * inverse


@kernel
@no_type_check
def add_corner_gradients(f, faces, p, m0, m1, m2, along, total):
    """Move gathered moments ``G`` and direct depth gradients to the corners.

    ``e_i = (p_j x p_k) . r`` gives ``dL/dp_i = G_j x p_k - G_k x p_j`` for cyclic i, j, k.
    """
    add_vector(total, faces[f, 0], cross(m1, p[2]), cross(m2, p[1]), along[0])
    add_vector(total, faces[f, 1], cross(m2, p[0]), cross(m0, p[2]), along[1])
    add_vector(total, faces[f, 2], cross(m0, p[1]), cross(m1, p[0]), along[2])


@kernel
@no_type_check
def add_vector(total, row, plus, minus, z):
    """Add ``plus - minus + (0, 0, z)`` to a row."""
    total[row, 0] += plus[0] - minus[0]
    total[row, 1] += plus[1] - minus[1]
    total[row, 2] += plus[2] - minus[2] + z
