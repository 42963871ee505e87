"""Analytic antialiasing of silhouettes for one view, after Laine et al. 2020, section 3.6.

Between two neighbouring pixel centres that see different triangles, the surface seen at one of them
may end at a silhouette edge, a fraction ``t`` of the way. If the edge runs more across the line
than along it, the pixel whose centre is closer to it is partly covered by what the other one sees:
for an edge that passes both sides of the pixel, by ``|1/2 - t|`` of its area. The surface is
followed across triangles too small to be seen at any pixel centre.

The weight of a pair is signed: positive, the first (left, upper) pixel receives that share of the
second's colour; negative, the second receives from the first.
"""

from typing import no_type_check

from common.raster.barycentric_kernels import corners_of, cross, edge_planes, vector, volume
from common.raster.jit import kernel

MAX_STEPS = 16
"""Triangles that one pair's line may cross."""
CONNECTED, HIDDEN = -1, -2
"""Why no silhouette was found: the surface reaches the other pixel's triangle, or runs under it."""


@kernel
@no_type_check
def find_silhouettes_block(start, stop, vertices, faces, neighbours, edges):
    """Bit ``i`` of ``edges[f]``: the edge opposite to corner ``i`` is a silhouette.

    That is: nothing lies across, or the triangle across faces the other way.
    """
    for f in range(start, stop):
        facing, bits = signed_volume(f, vertices, faces) > 0.0, 0
        for i in range(3):
            across = neighbours[f, i]
            if across < 0 or (signed_volume(across, vertices, faces) > 0.0) != facing:
                bits |= 1 << i
        edges[f] = bits


@kernel
@no_type_check
def signed_volume(f, vertices, faces):
    """``(a x b) . c`` of the corners: its sign is the side of the triangle that is seen."""
    a, b, c = corners_of(f, vertices, faces)
    u = (b[0] - a[0], b[1] - a[1], b[2] - a[2])
    v = (c[0] - a[0], c[1] - a[1], c[2] - a[2])
    n = cross(u, v)
    return n[0] * a[0] + n[1] * a[1] + n[2] * a[2]


@kernel
@no_type_check
def weigh_pairs_rows(
    start, stop, vertices, faces, k, neighbours, edges, seen, depth, axis, weights
):
    """Weights of the pairs (pixel, next pixel along ``axis``: 0 down, 1 right); 0 at the end."""
    height, width = seen.shape
    for row in range(start, stop):
        weights[row] = 0.0
        if row + 1 - axis == height:
            continue
        for column in range(width - axis):
            f, f2 = seen[row, column], seen[row + 1 - axis, column + axis]
            if f != f2 and not joined(f, f2, neighbours, edges):
                pair = (row, column, row + 1 - axis, column + axis)
                found = find_crossing(
                    pair, axis, vertices, faces, k, neighbours, edges, seen, depth
                )
                if found[0] >= 0:
                    weights[row, column] = 0.5 - found[3] if found[2] else found[3] - 0.5


@kernel
@no_type_check
def joined(f, f2, neighbours, edges):
    """Whether two triangles clearly belong to one smooth surface: most pairs, told in no time.

    They share an edge that is no silhouette, or a third triangle lies between them and none of the
    three has a silhouette.
    """
    if f < 0 or f2 < 0:
        return False
    for i in range(3):
        if (edges[f] >> i) & 1:
            continue
        between = neighbours[f, i]
        if between == f2:
            return True
        if edges[f] == 0 and edges[between] == 0 and edges[f2] == 0:
            for j in range(3):
                if neighbours[between, j] == f2:
                    return True
    return False


@kernel
@no_type_check
def find_crossing(pair, axis, vertices, faces, k, neighbours, edges, seen, depth):
    """The silhouette between two pixels that see different triangles.

    The surface seen at one pixel is followed toward the other, the nearer one first. Returns the
    triangle (-1: none fits) and its edge, whether the first pixel's surface is the one that ends,
    the fraction of the way at which it does, and the edge's volumes at that surface's pixel and at
    the other.
    """
    row, column, row2, column2 = pair
    f, f2 = seen[row, column], seen[row2, column2]
    x, y = pixel_ray(row, column, k)
    x2, y2 = pixel_ray(row2, column2, k)
    first = f2 < 0 or (f >= 0 and depth[row, column] <= depth[row2, column2])
    for _ in range(2):
        if first:
            face, edge, t, e, e2 = follow(f, f2, x, y, x2, y2, vertices, faces, neighbours, edges)
        else:
            face, edge, t, e, e2 = follow(f2, f, x2, y2, x, y, vertices, faces, neighbours, edges)
        if face >= 0 and runs_across(face, edge, axis, vertices, faces, k):
            return face, edge, first, t, e, e2
        if face >= 0 or edge == CONNECTED or f < 0 or f2 < 0:
            break
        first = not first
    return -1, 0, False, 0.0, 0.0, 0.0


@kernel
@no_type_check
def follow(f, goal, x, y, x2, y2, vertices, faces, neighbours, edges):
    """Walk over triangles from one pixel's ray toward another's until a silhouette or ``goal``.

    Returns the triangle and the edge at which the surface ends, the fraction of the way, and the
    edge's volumes at both rays; or -1 and `CONNECTED` or `HIDDEN`.
    """
    entered, last = -1, 0.0
    for _ in range(MAX_STEPS):
        n = edge_planes(f, vertices, faces)
        sign = 1.0 if signed_volume(f, vertices, faces) > 0.0 else -1.0
        leaving, nearest, here, there = -1, 2.0, 0.0, 0.0
        for i in range(3):
            e2 = volume(n[i], x2, y2)
            if i != entered and e2 * sign < 0.0:
                e = volume(n[i], x, y)
                # snapping can put the start outside by a hair
                t = max(e * sign / (e * sign - e2 * sign), last) if e * sign > 0.0 else last
                if t < nearest:
                    leaving, nearest, here, there = i, t, e, e2
        if leaving < 0:
            return -1, HIDDEN, 0.0, 0.0, 0.0
        if (edges[f] >> leaving) & 1:
            return f, leaving, nearest, here, there
        across = neighbours[f, leaving]
        if across == goal:
            return -1, CONNECTED, 0.0, 0.0, 0.0
        for i in range(3):
            if neighbours[across, i] == f:
                entered = i
        f, last = across, nearest
    return -1, HIDDEN, 0.0, 0.0, 0.0


@kernel
@no_type_check
def runs_across(f, edge, axis, vertices, faces, k):
    """Whether an edge runs more across the line between a pair of pixels than along it."""
    n = edge_planes(f, vertices, faces)[edge]
    right, down = abs(n[0] / k[0]), abs((n[1] - n[0] * k[1] / k[0]) / k[3])
    return right >= down if axis == 1 else right < down


@kernel
@no_type_check
def pixel_ray(row, column, k):
    """The x and y of the ray with z = 1 through a pixel centre."""
    y = (row + 0.5 - k[4]) / k[3]
    return (column + 0.5 - k[2] - k[1] * y) / k[0], y


@kernel
@no_type_check
def blend_rows(start, stop, weights, axis, color, blended):
    """Give every pixel its share of its two neighbours along ``axis``."""
    for row in range(start, stop):
        blended[row] = color[row]
        for column in range(color.shape[1]):
            given = weight_before(row, column, axis, weights)
            if given < 0.0:
                for c in range(color.shape[2]):
                    step = color[row - 1 + axis, column - axis, c] - color[row, column, c]
                    blended[row, column, c] -= given * step
            received = weights[row, column]
            if received > 0.0:
                for c in range(color.shape[2]):
                    step = color[row + 1 - axis, column + axis, c] - color[row, column, c]
                    blended[row, column, c] += received * step


@kernel
@no_type_check
def weight_before(row, column, axis, weights):
    """The weight of the pair that ends at this pixel."""
    row1, column1 = row - 1 + axis, column - axis
    return weights[row1, column1] if row1 >= 0 and column1 >= 0 else 0.0


@kernel
@no_type_check
def blend_backward_rows(start, stop, weights, axis, grad, grad_color):
    """Gradients of the colours of one blend: its transpose."""
    for row in range(start, stop):
        grad_color[row] = grad[row]
        for column in range(grad.shape[1]):
            given = weight_before(row, column, axis, weights)
            weight = weights[row, column]
            if given > 0.0:
                for c in range(grad.shape[2]):
                    grad_color[row, column, c] += given * grad[row - 1 + axis, column - axis, c]
            elif given < 0.0:
                for c in range(grad.shape[2]):
                    grad_color[row, column, c] += given * grad[row, column, c]
            if weight > 0.0:
                for c in range(grad.shape[2]):
                    grad_color[row, column, c] -= weight * grad[row, column, c]
            elif weight < 0.0:
                for c in range(grad.shape[2]):
                    grad_color[row, column, c] -= weight * grad[row + 1 - axis, column + axis, c]


@kernel
@no_type_check
def crossing_bands_backward(
    start,
    stop,
    vertices,
    faces,
    k,
    neighbours,
    edges,
    seen,
    depth,
    axis,
    weights,
    color,
    grad,
    rows,
    sums,
):
    """Gradients of camera-space corners through the weights of one blend, a sum per band of rows.

    ``dL/dweight = (second - first colour) . dL/dreceiver``, and ``t = e / (e - e')`` with
    ``e = (p_j x p_k) . r`` at the two pixel centres.
    """
    for band in range(start, stop):
        total = sums[band]
        for row in range(band * rows, min(band * rows + rows, seen.shape[0])):
            for column in range(seen.shape[1]):
                weight = weights[row, column]
                if weight == 0.0:
                    continue
                row2, column2, slope = row + 1 - axis, column + axis, 0.0
                for c in range(color.shape[2]):
                    receiver = grad[row, column, c] if weight > 0.0 else grad[row2, column2, c]
                    slope += receiver * (color[row2, column2, c] - color[row, column, c])
                pair = (row, column, row2, column2)
                face, edge, first, _, here, there = find_crossing(
                    pair, axis, vertices, faces, k, neighbours, edges, seen, depth
                )
                slope = -slope if first else slope
                slope /= (here - there) * (here - there)
                g, g2 = -slope * there, slope * here
                x, y = pixel_ray(row, column, k)
                x2, y2 = pixel_ray(row2, column2, k)
                if not first:
                    x, y, x2, y2 = x2, y2, x, y
                moment = (g * x + g2 * x2, g * y + g2 * y2, g + g2)
                a, b = faces[face, (edge + 1) % 3], faces[face, (edge + 2) % 3]
                push_a, push_b = (
                    cross(vector(vertices, b), moment),
                    cross(moment, vector(vertices, a)),
                )
                for c in range(3):
                    total[a, c] += push_a[c]
                    total[b, c] += push_b[c]
