"""What each camera sees of each Gaussian: an ellipse in the picture, a colour, a depth, a box.

For a Gaussian with mean ``m``, rotation ``R`` and deviations ``s`` and a camera ``W, t`` with focal
lengths, skew and centre, the splat is (Zwicker et al. 2001, EWA volume splatting; Kerbl et al.
2023, arXiv 2308.04079, equation 5)

    (x, y, z) = W m + t,    u = clamp(x / z),  v = clamp(y / z)
    J = 1/z [[fx, skew, -(fx u + skew v)], [0, fy, -fy v]]
    M = J W R diag(s),    covariance = M M^T + blur I                           pixels^2

with ``u, v`` clamped to the picture grown by 0.15 of its size on each side (1.3 times the half
field of view about a centred axis). Per Gaussian everything is computed in float64, whatever the
cloud's dtype: it costs little beside the pixels, and thin splats lose no digits.

A row of ``splats`` is ``x, y, a/2, b, c/2, opacity``, then the features that are composited:
``red, green, blue, z`` and perhaps a normal; ``a, b, c`` make up the inverse covariance.
"""

import math
from typing import NamedTuple, no_type_check

import numpy as np
from numpy.typing import NDArray

from common.raster.jit import kernel
from threed.rendering.sh_kernels import sh_values

GEOMETRY = 6
"""Columns of a splat before its features."""
LEAST_ALPHA = 1 / 255
LEAST_COMPENSATION = 0.005
_SLACK_PX = 1e-3
"""Boxes are so much larger than the ellipse, so that the threshold of alpha alone decides."""


class Cloud(NamedTuple):
    """The raw parameters of a `GaussianCloud`."""

    means: NDArray
    log_scales: NDArray
    quaternions: NDArray
    opacity_logits: NDArray
    sh: NDArray


class Views(NamedTuple):
    """The cameras of a call, in float64, and what is asked of the splats."""

    rotations: NDArray[np.float64]
    """World to camera (v, 3, 3)."""
    offsets: NDArray[np.float64]
    lenses: NDArray[np.float64]
    """``fx, skew, fy, cx, cy`` of each view."""
    limits: NDArray[np.float64]
    """Least and largest ``x / z``, then ``y / z``, that the Jacobian is taken at."""
    centres: NDArray[np.float64]
    height: int
    width: int
    near: float
    blur: float
    antialiased: bool


class Splats(NamedTuple):
    """What the cameras see, rows of all Gaussians for the first view, then for the next."""

    rows: NDArray
    """``x, y, a/2, b, c/2, opacity, features``."""
    boxes: NDArray[np.int32]
    """Pixels that the splat may reach: ``x0, y0, x1, y1``, the last two beyond it; or 0."""
    radii: NDArray
    """Pixels from the centre to the far side of the box, not cut at the picture's edge; or 0."""
    depths: NDArray
    """Camera-space z."""
    wrong: NDArray[np.uint8]
    """One where numbers overflow or the quaternion has no length."""


@kernel
@no_type_check
def three(array, i):
    """A row of three as float64: tuples live in registers, slices are counted objects."""
    return np.float64(array[i, 0]), np.float64(array[i, 1]), np.float64(array[i, 2])


@kernel
@no_type_check
def camera_of(views, view):
    """Rotation by rows, offset, lens, limits and centre of a view, as tuples."""
    turn, lens, limits = views.rotations, views.lenses, views.limits
    return (
        (
            (turn[view, 0, 0], turn[view, 0, 1], turn[view, 0, 2]),
            (turn[view, 1, 0], turn[view, 1, 1], turn[view, 1, 2]),
            (turn[view, 2, 0], turn[view, 2, 1], turn[view, 2, 2]),
        ),
        three(views.offsets, view),
        (lens[view, 0], lens[view, 1], lens[view, 2], lens[view, 3], lens[view, 4]),
        (limits[view, 0], limits[view, 1], limits[view, 2], limits[view, 3]),
        three(views.centres, view),
    )


@kernel
@no_type_check
def rotation_of(quaternions, i):
    """Rotation matrix by rows, and the quaternion's length."""
    w, x, y = three(quaternions, i)
    z = np.float64(quaternions[i, 3])
    length = math.sqrt(w * w + x * x + y * y + z * z)
    w, x, y, z = w / length, x / length, y / length, z / length
    return (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    ), length


@kernel
@no_type_check
def scales_of(log_scales, i):
    """The three deviations."""
    x, y, z = three(log_scales, i)
    return math.exp(x), math.exp(y), math.exp(z)


@kernel
@no_type_check
def seen_point(mean, rotation, offset):
    """The mean in the camera's frame."""
    x, y, z = mean
    return (
        rotation[0][0] * x + rotation[0][1] * y + rotation[0][2] * z + offset[0],
        rotation[1][0] * x + rotation[1][1] * y + rotation[1][2] * z + offset[1],
        rotation[2][0] * x + rotation[2][1] * y + rotation[2][2] * z + offset[2],
    )


@kernel
@no_type_check
def jacobian_of(point, lens, limits):
    """``j00, j01, j02, j11, j12`` at the clamped point, and the clamped ``x / z`` and ``y / z``."""
    u = min(max(point[0] / point[2], limits[0]), limits[1])
    v = min(max(point[1] / point[2], limits[2]), limits[3])
    z = point[2]
    return (lens[0] / z, lens[1] / z, -(lens[0] * u + lens[1] * v) / z,
            lens[2] / z, -lens[2] * v / z), u, v  # fmt: skip


@kernel
@no_type_check
def to_picture(jacobian, camera):
    """``J W``: how the world moves in the picture, two rows of three."""
    j00, j01, j02, j11, j12 = jacobian
    return (
        (j00 * camera[0][0] + j01 * camera[1][0] + j02 * camera[2][0],
         j00 * camera[0][1] + j01 * camera[1][1] + j02 * camera[2][1],
         j00 * camera[0][2] + j01 * camera[1][2] + j02 * camera[2][2]),
        (j11 * camera[1][0] + j12 * camera[2][0],
         j11 * camera[1][1] + j12 * camera[2][1],
         j11 * camera[1][2] + j12 * camera[2][2]),
    )  # fmt: skip


@kernel
@no_type_check
def along_axes(row, turn):
    """A row times the rotation: what one picture axis sees of the body's axes."""
    return (
        row[0] * turn[0][0] + row[1] * turn[1][0] + row[2] * turn[2][0],
        row[0] * turn[0][1] + row[1] * turn[1][1] + row[2] * turn[2][1],
        row[0] * turn[0][2] + row[1] * turn[1][2] + row[2] * turn[2][2],
    )


@kernel
@no_type_check
def covariance_of(across, down, scales):
    """``xx, xy, yy`` of the splat before the blur."""
    a, b, c = across[0] * scales[0], across[1] * scales[1], across[2] * scales[2]
    d, e, f = down[0] * scales[0], down[1] * scales[1], down[2] * scales[2]
    return a * a + b * b + c * c, a * d + b * e + c * f, d * d + e * e + f * f


@kernel
@no_type_check
def compensation_of(xx, xy, yy, blur):
    """``sqrt(det covariance / det (covariance + blur))``, at least 0.005, and both determinants."""
    before, after = xx * yy - xy * xy, (xx + blur) * (yy + blur) - xy * xy
    return max(math.sqrt(max(before / after, 0.0)), LEAST_COMPENSATION), before, after


@kernel
@no_type_check
def direction_of(mean, centre):
    """Unit vector from the camera to the Gaussian, and the distance."""
    x, y, z = mean[0] - centre[0], mean[1] - centre[1], mean[2] - centre[2]
    length = math.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length, length


@kernel
@no_type_check
def shortest_axis(scales, turn, direction):
    """Which axis is the normal, the sign that turns it to the camera, and the normal."""
    axis = 0 if scales[0] <= min(scales[1], scales[2]) else 1 if scales[1] <= scales[2] else 2
    x, y, z = turn[0][axis], turn[1][axis], turn[2][axis]
    sign = -1.0 if x * direction[0] + y * direction[1] + z * direction[2] > 0 else 1.0
    return axis, sign, sign * x, sign * y, sign * z


@kernel
@no_type_check
def pixel_box(x, y, reach_x, reach_y, width, height, box):
    """Write the pixels whose centres lie within reach of a point; zeros if there are none."""
    x0 = max(math.ceil(x - reach_x - 0.5 - _SLACK_PX), 0.0)
    y0 = max(math.ceil(y - reach_y - 0.5 - _SLACK_PX), 0.0)
    x1 = min(math.floor(x + reach_x - 0.5 + _SLACK_PX) + 1.0, width)
    y1 = min(math.floor(y + reach_y - 0.5 + _SLACK_PX) + 1.0, height)
    if x1 > x0 and y1 > y0:
        box[0], box[1], box[2], box[3] = int(x0), int(y0), int(x1), int(y1)
        return True
    return False


@kernel
@no_type_check
def write_colour(cloud, i, direction, basis, row):
    """``max(0, 1/2 + sum_k sh_k Y_k)`` of the three channels."""
    count = cloud.sh.shape[1]
    sh_values(direction[0], direction[1], direction[2], count, basis)
    red = green = blue = 0.5
    for k in range(count):
        red += basis[k] * cloud.sh[i, k, 0]
        green += basis[k] * cloud.sh[i, k, 1]
        blue += basis[k] * cloud.sh[i, k, 2]
    row[GEOMETRY] = max(red, 0.0)
    row[GEOMETRY + 1] = max(green, 0.0)
    row[GEOMETRY + 2] = max(blue, 0.0)


@kernel
@no_type_check
def project_block(start, stop, cloud, views, shifts, splats):
    """Write the splats of Gaussians ``start`` to ``stop`` in all views."""
    n = len(cloud.means)
    basis = np.empty(25, np.float64)
    for i in range(start, stop):
        mean, scales = three(cloud.means, i), scales_of(cloud.log_scales, i)
        turn, length = rotation_of(cloud.quaternions, i)
        share = 1.0 / (1.0 + math.exp(-np.float64(cloud.opacity_logits[i])))
        for view in range(len(views.offsets)):
            slot, (camera, offset, lens, limits, centre) = view * n + i, camera_of(views, view)
            splats.boxes[slot, :] = 0
            splats.radii[slot] = 0.0
            point = seen_point(mean, camera, offset)
            splats.depths[slot] = point[2]
            splats.wrong[slot] = not (length > 0.0 and math.isfinite(point[2]))
            if point[2] < views.near or splats.wrong[slot]:
                continue
            jacobian, _, _ = jacobian_of(point, lens, limits)
            across, down = to_picture(jacobian, camera)
            xx, xy, yy = covariance_of(along_axes(across, turn), along_axes(down, turn), scales)
            weaker, _, det = compensation_of(xx, xy, yy, views.blur)
            x = (lens[0] * point[0] + lens[1] * point[1]) / point[2] + lens[3] + shifts[view, i, 0]
            y = lens[2] * point[1] / point[2] + lens[4] + shifts[view, i, 1]
            if not (math.isfinite(xx * yy) and math.isfinite(x + y) and det > 0.0):
                splats.wrong[slot] = 1
                continue
            opacity = share * weaker if views.antialiased else share
            if opacity < LEAST_ALPHA:
                continue
            xx, yy, reach = xx + views.blur, yy + views.blur, math.sqrt(2 * math.log(255 * opacity))
            across_px, down_px = reach * math.sqrt(xx), reach * math.sqrt(yy)
            box = splats.boxes[slot]
            if not pixel_box(x, y, across_px, down_px, views.width, views.height, box):
                continue
            splats.radii[slot] = max(across_px, down_px)
            row = splats.rows[slot]
            row[0], row[1], row[2], row[3] = x, y, 0.5 * yy / det, -xy / det
            row[4], row[5], row[GEOMETRY + 3] = 0.5 * xx / det, opacity, point[2]
            direction = direction_of(mean, centre)
            write_colour(cloud, i, direction, basis, row)
            if len(row) > GEOMETRY + 4:
                _, _, row[GEOMETRY + 4], row[GEOMETRY + 5], row[GEOMETRY + 6] = shortest_axis(
                    scales, turn, direction
                )
