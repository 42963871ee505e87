"""Curves that shapes are built from: arrays of points, ``(k, 2)`` or ``(k, 3)``.

Profiles are points (radius, y) from the bottom of the axis outward, up and back to the axis.
Outlines are closed counter-clockwise polygons (x, y) without a repeated last point.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from common.kit.mesh import unit
from common.kit.real import Real

Point = Sequence[Real]
Points = Sequence[Point] | np.ndarray


def spline(points: Points, per_span: int = 4, closed: bool = False) -> Float[np.ndarray, "k d"]:
    """The centripetal-free Catmull-Rom curve through ``points``, ``per_span`` steps per span."""
    knots = np.asarray(points, dtype=float)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = (np.arange(per_span) / per_span)[None, :, None]
    before, start, end, after = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    curve = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    )
    curve = curve.reshape(-1, knots.shape[1])
    return curve if closed else np.concatenate([curve, knots[-1:]])


def profile_spline(points: Points, per_span: int = 4) -> Float[np.ndarray, "k 2"]:
    """A smooth profile through (radius, y) points; radii never overshoot below the axis."""
    curve = spline(points, per_span)
    curve[:, 0] = np.maximum(curve[:, 0], 0.0)
    return curve


def filleted(
    points: Points, radius: Real, steps: int = 3, closed: bool = False
) -> Float[np.ndarray, "k 2"]:
    """The polyline with each corner rounded by a parabola that starts ``radius`` before it.

    Near neighbours limit the radius to 0.45 of the shorter side. The ends of an open polyline stay.
    """
    corners = np.asarray(points, dtype=float)
    before, after = np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0)
    inward, outward = before - corners, after - corners
    reach_in = np.minimum(radius, 0.45 * np.linalg.norm(inward, axis=1))[:, None]
    reach_out = np.minimum(radius, 0.45 * np.linalg.norm(outward, axis=1))[:, None]
    start = corners + unit(inward) * reach_in
    end = corners + unit(outward) * reach_out
    t = np.linspace(0.0, 1.0, steps + 1)[None, :, None]
    arcs = (1 - t) ** 2 * start[:, None] + 2 * t * (1 - t) * corners[:, None] + t**2 * end[:, None]
    if closed:
        return arcs.reshape(-1, corners.shape[1])
    inner = arcs[1:-1].reshape(-1, corners.shape[1])
    return np.concatenate([corners[:1], inner, corners[-1:]])


def arc(
    radius: Real,
    start_deg: Real,
    end_deg: Real,
    steps: int = 12,
    centre: Point = (0.0, 0.0),
    squash: Real = 1.0,
) -> Float[np.ndarray, "k 2"]:
    """Points on an elliptic arc, angles counter-clockwise from +x; ``squash`` scales y."""
    angles = np.radians(np.linspace(start_deg, end_deg, steps + 1))
    circle = np.stack([np.cos(angles), squash * np.sin(angles)], axis=1)
    return np.asarray(centre, dtype=float) + radius * circle


def circle_outline(radius: Real, steps: int = 24, squash: Real = 1.0) -> Float[np.ndarray, "k 2"]:
    """A closed ellipse outline."""
    return arc(radius, 0.0, 360.0, steps, squash=squash)[:-1]


def dome_profile(radius: Real, height: Real, steps: int = 8) -> Float[np.ndarray, "k 2"]:
    """The profile of half an ellipsoid standing on y = 0, open at the bottom."""
    return arc(radius, 0.0, 90.0, steps, squash=height / radius)


def rectangle(width: Real, height: Real, corner: Real = 0.0) -> Float[np.ndarray, "k 2"]:
    """A centred rectangle outline, its corners rounded when ``corner`` is positive."""
    x, y = width / 2, height / 2
    points = [(-x, -y), (x, -y), (x, y), (-x, y)]
    return filleted(points, corner, closed=True) if corner > 0 else np.array(points)


def star_outline(points: int, outer: Real, inner: Real) -> Float[np.ndarray, "k 2"]:
    """A star with one point up; sharp corners."""
    angles = np.pi / 2 + np.pi * np.arange(2 * points) / points
    radii = np.where(np.arange(2 * points) % 2 == 0, outer, inner)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def in_plane(points: Points, z: Real = 0.0) -> Float[np.ndarray, "k 3"]:
    """Points (x, y) lifted to the plane of the given z."""
    flat = np.asarray(points, dtype=float)
    return np.column_stack([flat, np.full(len(flat), z)])
