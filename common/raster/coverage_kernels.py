"""Which triangle is seen at each pixel centre of one view: exact coverage and a depth buffer.

Corner positions are snapped to 1/4096 pixel and coverage is decided in integers, so that
neighbouring triangles tile the plane without cracks or double hits (top-left rule). Triangles that
cross the near plane or leave the range of the integers are clipped first; a clipped edge gets the
same new corner in both of its triangles. Depth is compared as 1/z, which is affine on the picture,
in float64.

Work is split in bands of rows; each band draws its triangles in the order of their indices into
its own depth buffer, so the result does not depend on the number of threads.
"""

from typing import no_type_check

import numpy as np

from common.raster.clip_kernels import clip_polygon
from common.raster.jit import kernel

SUBPIXELS = 4096
"""Steps of the snapping grid per pixel: positions below 2^17 pixels then multiply within int64."""
HALF = SUBPIXELS // 2
GUARD = 65536.0
"""Triangles reaching further than this many pixels from the picture's origin are clipped."""
MAX_SIDE = 16384
"""Largest picture side in pixels."""


@kernel
@no_type_check
def project_block(start, stop, vertices, k, near, snapped, usable):
    """Snapped pixel positions of vertices, and whether they need no clipping.

    ``vertices``: (n, 3) in camera space; ``k``: fx, skew, cx, fy, cy.
    """
    for i in range(start, stop):
        z = np.float64(vertices[i, 2])
        usable[i] = False
        if z >= near:
            x, y = vertices[i, 0] / z, vertices[i, 1] / z
            x, y = k[0] * x + k[1] * y + k[2], k[3] * y + k[4]
            if abs(x) <= GUARD and abs(y) <= GUARD:
                snapped[i, 0] = np.int64(np.rint(x * SUBPIXELS))
                snapped[i, 1] = np.int64(np.rint(y * SUBPIXELS))
                usable[i] = True


@kernel
@no_type_check
def find_bands_block(
    start,
    stop,
    vertices,
    faces,
    k,
    near,
    snapped,
    usable,
    cull,
    height,
    width,
    rows,
    block,
    spans,
    counts,
):
    """First and last band of every triangle (1, 0 if it is not seen), and how many land in each."""
    polygon = np.empty((10, 2), np.int64)
    for f in range(start, stop):
        num = load_polygon(f, vertices, faces, k, near, snapped, usable, polygon)
        spans[f, 0], spans[f, 1] = 1, 0
        if num < 3 or (cull and twice_area(polygon, num) >= 0):
            continue
        low_x, high_x, low_y, high_y = polygon[0, 0], polygon[0, 0], polygon[0, 1], polygon[0, 1]
        for i in range(1, num):
            low_x, high_x = min(low_x, polygon[i, 0]), max(high_x, polygon[i, 0])
            low_y, high_y = min(low_y, polygon[i, 1]), max(high_y, polygon[i, 1])
        first_x, last_x = first_centre(low_x), last_centre(high_x)
        first_y, last_y = max(first_centre(low_y), 0), min(last_centre(high_y), height - 1)
        if max(first_x, 0) > min(last_x, width - 1) or first_y > last_y:
            continue
        spans[f, 0], spans[f, 1] = first_y // rows, last_y // rows
        for band in range(spans[f, 0], spans[f, 1] + 1):
            counts[start // block, band] += 1


@kernel
@no_type_check
def fill_bands_block(start, stop, spans, block, offsets, members):
    """The triangles of every band, in order; ``offsets``: (blocks, bands), consumed."""
    for f in range(start, stop):
        for band in range(spans[f, 0], spans[f, 1] + 1):
            members[offsets[start // block, band]] = f
            offsets[start // block, band] += 1


@kernel
@no_type_check
def draw_bands(
    start, stop, vertices, faces, k, near, snapped, usable, rows, band_starts, members, seen
):
    """The triangle nearest to the camera at every pixel centre of some bands, -1 where none is."""
    height, width = seen.shape
    nearest = np.empty((rows, width), np.float64)
    polygon = np.empty((10, 2), np.int64)
    for band in range(start, stop):
        top, bottom = band * rows, min(band * rows + rows, height)
        nearest[:] = 0.0
        seen[top:bottom] = -1
        for i in range(band_starts[band], band_starts[band + 1]):
            f = members[i]
            num = load_polygon(f, vertices, faces, k, near, snapped, usable, polygon)
            plane = inverse_depth_plane(f, vertices, faces, k, near)
            for j in range(1, num - 1):
                draw_triangle(f, polygon, j, plane, top, bottom, nearest, seen)


@kernel
@no_type_check
def load_polygon(f, vertices, faces, k, near, snapped, usable, polygon):
    """Snapped corners of a triangle after clipping; returns how many (0: nothing left)."""
    a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
    if usable[a] and usable[b] and usable[c]:
        polygon[0, 0], polygon[0, 1] = snapped[a, 0], snapped[a, 1]
        polygon[1, 0], polygon[1, 1] = snapped[b, 0], snapped[b, 1]
        polygon[2, 0], polygon[2, 1] = snapped[c, 0], snapped[c, 1]
        return 3
    if max(vertices[a, 2], vertices[b, 2], vertices[c, 2]) < near:
        return 0
    corners, num = clip_polygon(vertices[a], vertices[b], vertices[c], k, near, GUARD)
    for i in range(num):
        polygon[i, 0] = np.int64(np.rint(corners[i, 0] * SUBPIXELS))
        polygon[i, 1] = np.int64(np.rint(corners[i, 1] * SUBPIXELS))
    return num


@kernel
@no_type_check
def twice_area(polygon, num):
    """Twice the signed area in snapped units; negative for triangles that face the camera.

    Counter-clockwise as the viewer sees it is clockwise in pixel coordinates, whose y is down.
    """
    total = np.int64(0)
    for i in range(1, num - 1):
        ax, ay = polygon[i, 0] - polygon[0, 0], polygon[i, 1] - polygon[0, 1]
        bx, by = polygon[i + 1, 0] - polygon[0, 0], polygon[i + 1, 1] - polygon[0, 1]
        total += ax * by - ay * bx
    return total


@kernel
@no_type_check
def first_centre(position):
    """Index of the first pixel whose centre is at or after a snapped position."""
    return (position + HALF - 1) // SUBPIXELS


@kernel
@no_type_check
def last_centre(position):
    """Index of the last pixel whose centre is at or before a snapped position."""
    return (position - HALF) // SUBPIXELS


@kernel
@no_type_check
def inverse_depth_plane(f, vertices, faces, k, near):
    """1/z over the picture: ``wx x + wy y + w0``, to be kept within its range at the corners.

    The plane through the corners ``p`` satisfies ``n . p = d`` with ``n = sum_i p_j x p_k``; on the
    ray ``z r`` of a pixel, ``1/z = n . r / d``. A triangle seen edge-on has d = 0: its 1/z is then
    the nearest corner's everywhere.
    """
    a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
    ux, uy, uz = np.float64(b[0]) - a[0], np.float64(b[1]) - a[1], np.float64(b[2]) - a[2]
    vx, vy, vz = np.float64(c[0]) - a[0], np.float64(c[1]) - a[1], np.float64(c[2]) - a[2]
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    d = nx * a[0] + ny * a[1] + nz * a[2]
    low = 1.0 / max(near, max(a[2], b[2], c[2]))
    high = 1.0 / max(near, min(a[2], b[2], c[2]))
    scale = abs(nx * a[0]) + abs(ny * a[1]) + abs(nz * a[2])
    if abs(d) <= 1e-14 * scale or d == 0.0:
        return 0.0, 0.0, high, low, high
    wx = nx / (d * k[0])
    wy = (ny - nx * k[1] / k[0]) / (d * k[3])
    return wx, wy, nz / d - wx * k[2] - wy * k[4], low, high


@kernel
@no_type_check
def draw_triangle(f, polygon, second, plane, top, bottom, nearest, seen):
    """Draw the fan triangle (0, second, second + 1) of a polygon into the rows of one band.

    ``E(p) = (b - a) x (p - a)`` is positive inside for all three edges a -> b once the corners run
    with positive area; a pixel centre on an edge belongs to the triangle on whose left or top side
    that edge is. The pixels of a row between the three edges are found by integer division.
    """
    ax, ay = polygon[0, 0], polygon[0, 1]
    bx, by = polygon[second, 0], polygon[second, 1]
    cx, cy = polygon[second + 1, 0], polygon[second + 1, 1]
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area == 0:
        return
    if area < 0:
        bx, by, cx, cy = cx, cy, bx, by
    first_x = max(first_centre(min(ax, bx, cx)), 0)
    last_x = min(last_centre(max(ax, bx, cx)), seen.shape[1] - 1)
    first_y = max(first_centre(min(ay, by, cy)), top)
    last_y = min(last_centre(max(ay, by, cy)), bottom - 1)
    if first_x > last_x:
        return
    wx, wy, w0, low, high = plane
    for row in range(first_y, last_y + 1):
        y = row * SUBPIXELS + HALF
        left, right = narrow(ax, ay, bx, by, y, first_x, last_x)
        left, right = narrow(bx, by, cx, cy, y, left, right)
        left, right = narrow(cx, cy, ax, ay, y, left, right)
        base = wy * (row + 0.5) + w0
        for column in range(left, right + 1):
            w = min(max(wx * (column + 0.5) + base, low), high)
            if w > nearest[row - top, column]:
                nearest[row - top, column] = w
                seen[row, column] = f


@kernel
@no_type_check
def narrow(ax, ay, bx, by, y, left, right):
    """The part of columns [left, right] on the inner side of edge a -> b in the row at ``y``.

    E at column x is ``value + x * slope``; edges that are neither left nor top need E >= 1.
    """
    slope = (ay - by) * SUBPIXELS
    value = (bx - ax) * (y - ay) - (by - ay) * (HALF - ax)
    if not (by < ay or (by == ay and bx > ax)):
        value -= 1
    if slope > 0:
        left = max(left, -(value // slope))
    elif slope < 0:
        right = min(right, value // -slope)
    elif value < 0:
        right = left - 1
    return left, right
