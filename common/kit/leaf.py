"""Leaves, petals, feathers, fins: bent sheets with a lens-shaped section."""

import numpy as np

from common.kit.curves import Points
from common.kit.mesh import Mesh, unit
from common.kit.real import Real
from common.kit.surface import grid_surface

ACROSS = np.array([1.0, 0.0, 0.0])


def leaf(
    spine: Points,
    half_widths: Points | np.ndarray,
    thickness: Real = 0.03,
    cup: Real = 0.0,
    segments: int = 12,
) -> Mesh:
    """A closed sheet along ``spine``, points (y, z), as wide as twice ``half_widths`` along x.

    Where the half-width is 0 the sheet ends in a point. ``cup`` lifts the rims towards +z by that
    share of the half-width. The sheet is thickest along the spine and thins with its width.
    """
    centre = np.asarray(spine, dtype=float)
    line = np.column_stack([np.zeros(len(centre)), centre])
    widths = np.asarray(half_widths, dtype=float)
    steps = np.gradient(line, axis=0)
    normal = np.cross(unit(steps), ACROSS)
    angles = np.linspace(0.0, 2 * np.pi, segments + 1)
    thick = 0.5 * thickness * np.sqrt(widths / widths.max())
    across = widths[:, None] * np.cos(angles)
    lift = thick[:, None] * np.sin(angles) - cup * widths[:, None] * np.cos(angles) ** 2
    grid = line[:, None] + across[..., None] * ACROSS + lift[..., None] * normal[:, None]
    grid[:, -1] = grid[:, 0]
    return grid_surface(grid)


def leaf_widths(steps: int, width: Real, widest: Real = 0.4, base: Real = 0.0) -> np.ndarray:
    """Half-widths of a pointed leaf at ``steps + 1`` stations: ``width`` wide at share ``widest``.

    ``base`` is the share of the full width it has at its foot (0 is a point).
    """
    t = np.linspace(0.0, 1.0, steps + 1)
    rising = np.sin(0.5 * np.pi * np.clip(t / widest, 0, 1))
    falling = np.cos(0.5 * np.pi * np.clip((t - widest) / (1 - widest), 0, 1))
    shape = np.where(t < widest, base + (1 - base) * rising, falling)
    shape[-1] = 0.0
    return 0.5 * width * shape
