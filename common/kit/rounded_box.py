"""Boxes with rounded edges, and their tapered cousins."""

import numpy as np

from common.kit.mesh import Mesh, merged, unit
from common.kit.real import Real
from common.kit.surface import grid_surface


def rounded_box(
    width: Real, height: Real, depth: Real, radius: Real = 0.03, steps: int = 2
) -> Mesh:
    """A box about the origin whose edges and corners are rounded by ``radius``; one chart a side.

    Points of a cube's surface are clamped to the inner box and pushed out by ``radius`` along the
    difference, so edges are quarter cylinders and corners eighths of a sphere. ``radius`` must be
    at most half the shortest side.
    """
    half = np.array([width, height, depth]) / 2
    if radius > half.min() + 1e-9:
        raise ValueError(f"radius {radius} is more than half the shortest side {2 * half.min()}")
    inner = half - radius
    sides = []
    for axis in range(3):
        for sign in (1.0, -1.0):
            across, along = (axis + 1) % 3, (axis + 2) % 3
            if sign < 0:
                across, along = along, across
            sides.append(_side(inner, radius, axis, sign, across, along, steps))
    return merged(*sides)


def tapered(mesh: Mesh, low: Real, high: Real) -> Mesh:
    """The mesh scaled in x and z by a factor that runs from ``low`` at its foot to ``high``."""
    bottom, top = mesh.vertices[:, 1].min(), mesh.vertices[:, 1].max()

    def taper(points: np.ndarray) -> np.ndarray:
        share = (points[:, 1] - bottom) / (top - bottom)
        factor = low + (high - low) * share
        return points * np.stack([factor, np.ones_like(factor), factor], axis=1)

    return mesh.deformed(taper)


def _side(
    inner: np.ndarray,
    radius: Real,
    axis: int,
    sign: Real,
    across: int,
    along: int,
    steps: int,
) -> Mesh:
    def stations(limit: Real) -> tuple[np.ndarray, np.ndarray]:
        """Clamped coordinates and tangents of the angle, from one rounded edge to the other."""
        slope = np.tan(np.radians(np.linspace(0.0, 45.0, steps + 1)))
        return (
            np.concatenate([np.full(steps + 1, -limit), np.full(steps + 1, limit)]),
            np.concatenate([-slope[::-1], slope]),
        )

    a, slope_a = stations(float(inner[across]))
    b, slope_b = stations(float(inner[along]))
    core = np.zeros((len(b), len(a), 3))
    core[..., across], core[..., along] = a[None, :], b[:, None]
    core[..., axis] = sign * inner[axis]
    normal = np.zeros_like(core)
    normal[..., across], normal[..., along] = slope_a[None, :], slope_b[:, None]
    normal[..., axis] = sign
    normal = unit(normal)
    side = grid_surface(core + radius * normal)
    return Mesh(side.vertices, normal.reshape(-1, 3), side.uvs, side.charts, side.faces)
