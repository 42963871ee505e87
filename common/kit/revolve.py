"""Solids of revolution about the Y axis: cylinders, cones, balls, capsules, tori and any profile."""

import itertools

import numpy as np

from common.kit.curves import Points, arc, filleted
from common.kit.mesh import Mesh, merged, unit
from common.kit.real import Real
from common.kit.surface import grid_surface

CREASE_DEG = 40.0


def revolved(profile: Points, segments: int = 24) -> Mesh:
    """The surface swept by a profile of (radius, y) points about Y; the seam is at the back.

    The profile runs so that the solid is on its left hand side when it goes up: from the bottom of
    the axis outward, up, and back to the axis. Corners sharper than 40 degrees become creases and
    begin a new chart.
    """
    path = np.asarray(profile, dtype=float)
    directions = unit(np.diff(path, axis=0))
    cosines = np.einsum("ni,ni->n", directions[:-1], directions[1:])
    breaks = [0, *(np.nonzero(cosines < np.cos(np.radians(CREASE_DEG)))[0] + 1), len(path) - 1]
    angles = np.pi + np.linspace(0.0, 2 * np.pi, segments + 1)
    circle = np.stack([np.sin(angles), np.zeros_like(angles), np.cos(angles)], axis=1)
    circle[-1] = circle[0]
    up = np.array([0.0, 1.0, 0.0])
    pieces = [
        grid_surface(run[:, 0, None, None] * circle + run[:, 1, None, None] * up)
        for run in (path[start : end + 1] for start, end in itertools.pairwise(breaks))
    ]
    return merged(*pieces)


def ball(radius: Real, segments: int = 24, rings: int = 12) -> Mesh:
    """A sphere about the origin; scale it for an ellipsoid."""
    return revolved(arc(radius, -90.0, 90.0, rings), segments)


def ellipsoid(x: Real, y: Real, z: Real, segments: int = 24, rings: int = 12) -> Mesh:
    """An ellipsoid about the origin with these semi-axes."""
    return ball(1.0, segments, rings).scaled(x, y, z)


def capsule(radius: Real, length: Real, segments: int = 16, rings: int = 4) -> Mesh:
    """A capsule along Y about the origin; ``length`` is between the centres of the two caps."""
    low = arc(radius, -90.0, 0.0, rings, centre=(0.0, -length / 2))
    high = arc(radius, 0.0, 90.0, rings, centre=(0.0, length / 2))
    return revolved(np.concatenate([low, high]), segments)


def cylinder(radius: Real, height: Real, bevel: Real = 0.0, segments: int = 24) -> Mesh:
    """A closed cylinder along Y about the origin, its rims rounded by ``bevel``."""
    return frustum(radius, radius, height, bevel, segments)


def frustum(bottom: Real, top: Real, height: Real, bevel: Real = 0.0, segments: int = 24) -> Mesh:
    """A closed truncated cone along Y about the origin; ``top`` 0 gives a cone."""
    y = height / 2
    corners = [(0.0, -y), (bottom, -y), (top, y)] + ([(0.0, y)] if top > 0 else [])
    profile = filleted(corners, bevel) if bevel > 0 else np.array(corners)
    return revolved(profile, segments)


def torus(radius: Real, thickness: Real, segments: int = 32, sides: int = 12) -> Mesh:
    """A ring in the XZ plane; ``thickness`` is the radius of its tube."""
    return revolved(arc(thickness, -180.0, 180.0, sides, centre=(radius, 0.0)), segments)
