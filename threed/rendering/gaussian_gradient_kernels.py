"""From what pixels say about splats to the gradients of the cloud's raw parameters.

The chain of `gaussian_projection_kernels` backward, one Gaussian at a time over all its tiles and
views, so that each sum has one owner and one order. With ``D`` the gradient of the covariance
``M M^T`` of a splat, ``M = T R diag(s)`` and ``T = J W``:

    dM = 2 D M,   dR = T^T dM diag(s),   ds = diag((T R)^T dM),   dT = dM diag(s) R^T,   dJ = dT W^T
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from numpy.typing import NDArray

from common.raster.jit import kernel
from threed.rendering.gaussian_pixel_kernels import MOMENTS
from threed.rendering.gaussian_projection_kernels import (
    GEOMETRY,
    LEAST_COMPENSATION,
    along_axes,
    camera_of,
    compensation_of,
    covariance_of,
    direction_of,
    jacobian_of,
    rotation_of,
    scales_of,
    seen_point,
    shortest_axis,
    three,
    to_picture,
)
from threed.rendering.sh_kernels import sh_slope, sh_values


class Gradients(NamedTuple):
    """Of the raw parameters, and of the splats' centres in pixels (v, n, 2)."""

    means: NDArray
    log_scales: NDArray
    quaternions: NDArray
    opacity_logits: NDArray
    sh: NDArray
    centres: NDArray


@kernel
@no_type_check
def spread_gradient(moments, splat):
    """Gradient of the covariance ``xx, xy, yy``, off-diagonal once, from the moments.

    The inverse's gradient ``G`` is half the second moments; ``D = -K G K`` with the inverse ``K``.
    """
    a, b, c = 2.0 * splat[2], np.float64(splat[3]), 2.0 * splat[4]
    ga, gb, gc = 0.5 * moments[3], 0.5 * moments[4], 0.5 * moments[5]
    left0, left1 = a * ga + b * gb, a * gb + b * gc
    right0, right1 = b * ga + c * gb, b * gb + c * gc
    return -(left0 * a + left1 * b), -(left0 * b + left1 * c), -(right0 * b + right1 * c)


@kernel
@no_type_check
def add_compensation(gradient, spread, pull, blur):
    """The covariance's gradient with that of ``sqrt(det / det blurred)`` times ``pull``."""
    xx, xy, yy = spread
    weaker, before, after = compensation_of(xx, xy, yy, blur)
    if weaker <= LEAST_COMPENSATION:
        return gradient
    scale = pull / (2.0 * weaker * after * after)
    return (
        gradient[0] + scale * (yy * after - before * (yy + blur)),
        gradient[1] + scale * xy * (before - after),
        gradient[2] + scale * (xx * after - before * (xx + blur)),
    )


@kernel
@no_type_check
def from_camera(grad, camera):
    """A camera-space gradient in the world."""
    x, y, z = grad
    return (
        camera[0][0] * x + camera[1][0] * y + camera[2][0] * z,
        camera[0][1] * x + camera[1][1] * y + camera[2][1] * z,
        camera[0][2] * x + camera[1][2] * y + camera[2][2] * z,
    )


@kernel
@no_type_check
def point_gradient(point, lens, limits, turned, move_x, move_y, move_z):
    """Of the camera-space point, through the picture position, the Jacobian and the depth.

    ``turned`` is the gradient of the Jacobian, ``j00, j01, j02, j11, j12``.
    """
    jacobian, u, v = jacobian_of(point, lens, limits)
    x, y, z = point
    j00, j01, j02, j11, j12 = jacobian
    depth = move_z - (turned[0] * j00 + turned[1] * j01 + turned[2] * j02
                      + turned[3] * j11 + turned[4] * j12) / z  # fmt: skip
    across, down = j00 * move_x, j01 * move_x + j11 * move_y
    depth -= (across * x + down * y) / z
    if u == x / z:
        slope = -j00 * turned[2] / z
        across += slope
        depth -= slope * u
    if v == y / z:
        slope = -(j01 * turned[2] + j11 * turned[4]) / z
        down += slope
        depth -= slope * v
    return across, down, depth


@kernel
@no_type_check
def add_colour(cloud, i, direction, sums, row, basis, weights, grads):
    """Gradients of the harmonics, and of the mean through the direction."""
    count = cloud.sh.shape[1]
    sh_values(direction[0], direction[1], direction[2], count, basis)
    red = sums[MOMENTS] if row[GEOMETRY] > 0 else 0.0
    green = sums[MOMENTS + 1] if row[GEOMETRY + 1] > 0 else 0.0
    blue = sums[MOMENTS + 2] if row[GEOMETRY + 2] > 0 else 0.0
    for k in range(count):
        grads.sh[i, k, 0] += basis[k] * red
        grads.sh[i, k, 1] += basis[k] * green
        grads.sh[i, k, 2] += basis[k] * blue
        weights[k] = red * cloud.sh[i, k, 0] + green * cloud.sh[i, k, 1] + blue * cloud.sh[i, k, 2]
    a, b, c = sh_slope(direction[0], direction[1], direction[2], count, weights)
    x, y, z, length = direction
    along = a * x + b * y + c * z
    return (a - along * x) / length, (b - along * y) / length, (c - along * z) / length


@kernel
@no_type_check
def write_quaternion(quaternions, i, length, turned, out):
    """Write the gradient of raw quaternion ``i``, given that of its rotation matrix (3, 3)."""
    w, x, y = three(quaternions, i)
    w, x, y, z = w / length, x / length, y / length, quaternions[i, 3] / length
    g = turned
    dw = 2 * (x * (g[2, 1] - g[1, 2]) + y * (g[0, 2] - g[2, 0]) + z * (g[1, 0] - g[0, 1]))
    dx = 2 * (y * (g[0, 1] + g[1, 0]) + z * (g[0, 2] + g[2, 0]) + w * (g[2, 1] - g[1, 2])
              - 2 * x * (g[1, 1] + g[2, 2]))  # fmt: skip
    dy = 2 * (x * (g[0, 1] + g[1, 0]) + z * (g[1, 2] + g[2, 1]) + w * (g[0, 2] - g[2, 0])
              - 2 * y * (g[0, 0] + g[2, 2]))  # fmt: skip
    dz = 2 * (x * (g[0, 2] + g[2, 0]) + y * (g[1, 2] + g[2, 1]) + w * (g[1, 0] - g[0, 1])
              - 2 * z * (g[0, 0] + g[1, 1]))  # fmt: skip
    along = w * dw + x * dx + y * dy + z * dz
    out[i, 0], out[i, 1] = (dw - along * w) / length, (dx - along * x) / length
    out[i, 2], out[i, 3] = (dy - along * y) / length, (dz - along * z) / length


@kernel
@no_type_check
def pulled(shape, across, down, scale):
    """Gradients of one axis' two entries of ``T R``, and of the logarithm of its deviation."""
    m, n = across * scale, down * scale
    dm, dn = 2 * (shape[0] * m + shape[1] * n), 2 * (shape[1] * m + shape[2] * n)
    return dm * scale, dn * scale, dm * m + dn * n


@kernel
@no_type_check
def add_shape(shape, across, down, turn, scales, camera, turned, stretched):
    """Add to the gradients of rotation and log scales; returns that of the Jacobian.

    ``shape`` is the gradient of the covariance, ``across`` and ``down`` are the rows of ``T``.
    """
    m, n = along_axes(across, turn), along_axes(down, turn)
    p0, q0, x = pulled(shape, m[0], n[0], scales[0])
    p1, q1, y = pulled(shape, m[1], n[1], scales[1])
    p2, q2, z = pulled(shape, m[2], n[2], scales[2])
    stretched[0] += x
    stretched[1] += y
    stretched[2] += z
    for j in range(3):
        a, b = across[j], down[j]
        turned[j, 0] += a * p0 + b * q0
        turned[j, 1] += a * p1 + b * q1
        turned[j, 2] += a * p2 + b * q2
    a0, b0 = dot(turn[0], (p0, p1, p2)), dot(turn[0], (q0, q1, q2))
    a1, b1 = dot(turn[1], (p0, p1, p2)), dot(turn[1], (q0, q1, q2))
    a2, b2 = dot(turn[2], (p0, p1, p2)), dot(turn[2], (q0, q1, q2))
    a, b = (a0, a1, a2), (b0, b1, b2)
    return (
        dot(a, camera[0]),
        dot(a, camera[1]),
        dot(a, camera[2]),
        dot(b, camera[1]),
        dot(b, camera[2]),
    )


@kernel
@no_type_check
def dot(a, b):
    """Of three numbers each."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


@kernel
@no_type_check
def add_view(cloud, views, i, view, splat, sums, mean, turn, scales, share, scratch, grads):
    """Add what one view says of one Gaussian; returns the gradient of the opacity."""
    basis, weights, moved, turned, stretched = scratch
    camera, offset, lens, limits, centre = camera_of(views, view)
    point = seen_point(mean, camera, offset)
    jacobian, _, _ = jacobian_of(point, lens, limits)
    across, down = to_picture(jacobian, camera)
    shape = spread_gradient(sums, splat)
    pull = -sums[0] / splat[5]
    if views.antialiased:
        spread = covariance_of(along_axes(across, turn), along_axes(down, turn), scales)
        shape = add_compensation(shape, spread, pull * share, views.blur)
        pull *= compensation_of(spread[0], spread[1], spread[2], views.blur)[0]
    x = -(2.0 * splat[2] * sums[1] + splat[3] * sums[2])
    y = -(splat[3] * sums[1] + 2.0 * splat[4] * sums[2])
    grads.centres[view, i, 0], grads.centres[view, i, 1] = x, y
    slopes = add_shape(shape, across, down, turn, scales, camera, turned, stretched)
    depth = sums[MOMENTS + 3]
    here = from_camera(point_gradient(point, lens, limits, slopes, x, y, depth), camera)
    direction = direction_of(mean, centre)
    there = add_colour(cloud, i, direction, sums, splat, basis, weights, grads)
    moved[0] += here[0] + there[0]
    moved[1] += here[1] + there[1]
    moved[2] += here[2] + there[2]
    if len(splat) > GEOMETRY + 4:
        axis, sign, _, _, _ = shortest_axis(scales, turn, direction)
        for k in range(3):
            turned[k, axis] += sign * sums[MOMENTS + 4 + k]
    return pull


@kernel
@no_type_check
def gather_block(start, stop, cloud, views, splats, firsts, slots, grads):
    """Write the gradients of Gaussians ``start`` to ``stop``; ``grads`` begins as zeros."""
    n, kinds = len(cloud.means), slots.shape[1]
    basis, weights, sums = np.empty(25), np.empty(25), np.empty(kinds)
    moved, turned, stretched = np.empty(3), np.empty((3, 3)), np.empty(3)
    scratch = (basis, weights, moved, turned, stretched)
    for i in range(start, stop):
        mean, scales = three(cloud.means, i), scales_of(cloud.log_scales, i)
        turn, length = rotation_of(cloud.quaternions, i)
        share = 1.0 / (1.0 + math.exp(-np.float64(cloud.opacity_logits[i])))
        moved[:], turned[:], stretched[:], opacity, seen = 0.0, 0.0, 0.0, 0.0, False
        for view in range(len(views.offsets)):
            slot = view * n + i
            if firsts[slot + 1] == firsts[slot]:
                continue
            seen = True
            sums[:] = 0.0
            for place in range(firsts[slot], firsts[slot + 1]):
                for kind in range(kinds):
                    sums[kind] += slots[place, kind]
            opacity += add_view(
                cloud, views, i, view, splats.rows[slot], sums, mean, turn, scales, share, scratch,
                grads,
            )  # fmt: skip
        if seen:
            grads.opacity_logits[i] = opacity * share * (1.0 - share)
            for k in range(3):
                grads.means[i, k], grads.log_scales[i, k] = moved[k], stretched[k]
            write_quaternion(cloud.quaternions, i, length, turned, grads.quaternions)
