"""Barycentric coordinates and depth at the pixel centres of one view, and their gradients.

With corners ``p0, p1, p2`` in camera space and the ray ``r`` of a pixel (z = 1), the volumes
``e0 = (p1 x p2) . r`` and so on give perspective-correct barycentric coordinates
``b_i = e_i / (e0 + e1 + e2)`` without any division by a corner's depth (homogeneous coordinates;
Olano and Greer 1997), so corners behind the camera do no harm. Snapping can put a pixel centre
outside its triangle by 1/8192 pixel: coordinates are then clamped at 0 and rescaled to sum 1.
"""

from typing import no_type_check

import numpy as np

from common.raster.jit import kernel


@kernel
@no_type_check
def locate_rows(start, stop, vertices, faces, k, seen, barycentric, depth):
    """Barycentric coordinates and depth for rows of one view; zeros where nothing is seen."""
    p = np.empty((3, 3), np.float64)
    n = np.empty((3, 3), np.float64)
    b = np.empty(3, np.float64)
    for row in range(start, stop):
        ray_y = (row + 0.5 - k[4]) / k[3]
        last = -1
        for column in range(seen.shape[1]):
            f = seen[row, column]
            if f < 0:
                barycentric[row, column, 0] = 0.0
                barycentric[row, column, 1] = 0.0
                barycentric[row, column, 2] = 0.0
                depth[row, column] = 0.0
                continue
            if f != last:
                load_corners(f, vertices, faces, p, n)
                last = f
            ray_x = (column + 0.5 - k[2] - k[1] * ray_y) / k[0]
            inside_barycentric(n, ray_x, ray_y, b)
            barycentric[row, column, 0] = b[0]
            barycentric[row, column, 1] = b[1]
            barycentric[row, column, 2] = b[2]
            depth[row, column] = b[0] * p[0, 2] + b[1] * p[1, 2] + b[2] * p[2, 2]


@kernel
@no_type_check
def load_corners(f, vertices, faces, p, n):
    """Corners ``p`` of a triangle and the normals ``n_i = p_j x p_k`` of its three edge planes."""
    for i in range(3):
        v = faces[f, i]
        p[i, 0], p[i, 1], p[i, 2] = vertices[v, 0], vertices[v, 1], vertices[v, 2]
    for i in range(3):
        a, b = p[(i + 1) % 3], p[(i + 2) % 3]
        n[i, 0] = a[1] * b[2] - a[2] * b[1]
        n[i, 1] = a[2] * b[0] - a[0] * b[2]
        n[i, 2] = a[0] * b[1] - a[1] * b[0]


@kernel
@no_type_check
def inside_barycentric(n, ray_x, ray_y, b):
    """Write the clamped coordinates to ``b``; returns 1/(e0 + e1 + e2) and their sum as clamped.

    A triangle seen edge-on has no coordinates: its centre is taken, and the returned 0 stops its
    gradient.
    """
    e0 = n[0, 0] * ray_x + n[0, 1] * ray_y + n[0, 2]
    e1 = n[1, 0] * ray_x + n[1, 1] * ray_y + n[1, 2]
    e2 = n[2, 0] * ray_x + n[2, 1] * ray_y + n[2, 2]
    total = e0 + e1 + e2
    if abs(total) <= 1e-14 * (abs(e0) + abs(e1) + abs(e2)) or total == 0.0:
        b[0] = b[1] = b[2] = 1.0 / 3.0
        return 0.0, 1.0
    inverse = 1.0 / total
    b[0], b[1], b[2] = max(e0 * inverse, 0.0), max(e1 * inverse, 0.0), max(e2 * inverse, 0.0)
    kept = b[0] + b[1] + b[2]
    b[0], b[1], b[2] = b[0] / kept, b[1] / kept, b[2] / kept
    return inverse, kept


@kernel
@no_type_check
def locate_bands_backward(
    start, stop, vertices, faces, k, seen, rows, grad_barycentric, grad_depth, sums
):
    """Gradients of camera-space corners from those of coordinates and depth, one sum per band.

    Neighbouring pixels of a row in the same triangle are gathered in the moments
    ``G_i = sum (dL/de_i) r`` first. ``sums``: (bands, n, 3) float64, zero at first.
    """
    p = np.empty((3, 3), np.float64)
    n = np.empty((3, 3), np.float64)
    b = np.empty(3, np.float64)
    moments = np.zeros((3, 3), np.float64)
    along = np.zeros(3, np.float64)
    for band in range(start, stop):
        for row in range(band * rows, min(band * rows + rows, seen.shape[0])):
            ray_y = (row + 0.5 - k[4]) / k[3]
            last = -1
            for column in range(seen.shape[1]):
                f = seen[row, column]
                if f != last:
                    if last >= 0:
                        add_corner_gradients(last, faces, p, moments, along, sums[band])
                    if f >= 0:
                        load_corners(f, vertices, faces, p, n)
                    last = f
                if f < 0:
                    continue
                ray_x = (column + 0.5 - k[2] - k[1] * ray_y) / k[0]
                inverse, kept = inside_barycentric(n, ray_x, ray_y, b)
                add_pixel_gradients(
                    grad_barycentric[row, column],
                    grad_depth[row, column],
                    p,
                    b,
                    inverse,
                    kept,
                    ray_x,
                    ray_y,
                    moments,
                    along,
                )
            if last >= 0:
                add_corner_gradients(last, faces, p, moments, along, sums[band])


@kernel
@no_type_check
def add_pixel_gradients(
    grad_barycentric, grad_depth, p, b, inverse, kept, ray_x, ray_y, moments, along
):
    """Add one pixel's ``(dL/de_i) r`` to the moments and its direct depth gradient to ``along``.

    Depth is ``sum b_i z_i``; clamped coordinates pass no gradient.
    """
    g0 = grad_barycentric[0] + grad_depth * p[0, 2]
    g1 = grad_barycentric[1] + grad_depth * p[1, 2]
    g2 = grad_barycentric[2] + grad_depth * p[2, 2]
    for i in range(3):
        along[i] += grad_depth * b[i]
    mean = g0 * b[0] + g1 * b[1] + g2 * b[2]
    # b = max(a, 0) / kept, where a = e / sum(e); h is the gradient of a
    h0 = (g0 - mean) / kept if b[0] > 0.0 else 0.0
    h1 = (g1 - mean) / kept if b[1] > 0.0 else 0.0
    h2 = (g2 - mean) / kept if b[2] > 0.0 else 0.0
    mean = (h0 * b[0] + h1 * b[1] + h2 * b[2]) * kept
    h0, h1, h2 = (h0 - mean) * inverse, (h1 - mean) * inverse, (h2 - mean) * inverse
    moments[0, 0] += h0 * ray_x
    moments[0, 1] += h0 * ray_y
    moments[0, 2] += h0
    moments[1, 0] += h1 * ray_x
    moments[1, 1] += h1 * ray_y
    moments[1, 2] += h1
    moments[2, 0] += h2 * ray_x
    moments[2, 1] += h2 * ray_y
    moments[2, 2] += h2


@kernel
@no_type_check
def add_corner_gradients(f, faces, p, moments, along, total):
    """Move gathered moments to the corners and clear them.

    ``e_i = (p_j x p_k) . r`` gives ``dL/dp_i = G_j x p_k - G_k x p_j`` for cyclic i, j, k.
    """
    for i in range(3):
        v, j, k = faces[f, i], (i + 1) % 3, (i + 2) % 3
        gj, gk, pj, pk = moments[j], moments[k], p[j], p[k]
        total[v, 0] += gj[1] * pk[2] - gj[2] * pk[1] - gk[1] * pj[2] + gk[2] * pj[1]
        total[v, 1] += gj[2] * pk[0] - gj[0] * pk[2] - gk[2] * pj[0] + gk[0] * pj[2]
        total[v, 2] += gj[0] * pk[1] - gj[1] * pk[0] - gk[0] * pj[1] + gk[1] * pj[0] + along[i]
    moments[:] = 0.0
    along[:] = 0.0


@kernel
@no_type_check
def edge_planes(f, vertices, faces):
    """``n_i = p_j x p_k`` for the corners of a triangle, as three tuples."""
    a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
    return cross(b, c), cross(c, a), cross(a, b)


@kernel
@no_type_check
def cross(a, b):
    """Vector product in float64."""
    ax, ay, az = np.float64(a[0]), np.float64(a[1]), np.float64(a[2])
    bx, by, bz = np.float64(b[0]), np.float64(b[1]), np.float64(b[2])
    return ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
