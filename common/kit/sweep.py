"""Tubes along curves: handles, trunks, tails, wires, and any outline swept along a path."""

import itertools

import numpy as np
from jaxtyping import Float

from common.kit.curves import Points, circle_outline
from common.kit.mesh import Mesh, merged, rotation_between, unit
from common.kit.real import Real
from common.kit.surface import flat_fan, grid_surface


def tube(
    path: Points,
    radius: Real | np.ndarray,
    segments: int = 10,
    round_ends: bool = True,
    squash: Real = 1.0,
) -> Mesh:
    """A closed tube along 3-D points; ``radius`` is one number or one per point.

    ``squash`` flattens the section along its second axis. Round ends are hemispheres beyond the
    ends of the path; flat ends are discs. An end of radius 0 needs and gets no cap.
    """
    section = circle_outline(1.0, segments, squash)
    return swept(path, section, radius, round_ends)


def swept(
    path: Points,
    section: Points,
    scale: Real | np.ndarray = 1.0,
    round_ends: bool = False,
    up: tuple[Real, Real, Real] = (0.0, 0.0, 1.0),
) -> Mesh:
    """A closed solid: the outline ``section`` carried along ``path`` without twist.

    The section's first axis starts perpendicular to ``up`` and the path, its second axis as close
    to ``up`` as the path allows; rotation-minimising frames carry both along.
    """
    points = np.asarray(path, dtype=float)
    scales = np.broadcast_to(np.asarray(scale, dtype=float), (len(points),)).copy()
    if round_ends:
        points, scales = _with_round_ends(points, scales)
    tangents, first, second = _frames(points, np.array(up))
    outline = np.asarray(section, dtype=float)
    outline = np.concatenate([outline, outline[:1]])
    grid = points[:, None] + scales[:, None, None] * (
        outline[None, :, :1] * first[:, None] + outline[None, :, 1:] * second[:, None]
    )
    grid[:, -1] = grid[:, 0]
    pieces = [grid_surface(grid)]
    if scales[0] > 1e-9:
        pieces.append(flat_fan(grid[0, -1:0:-1], -tangents[0]))
    if scales[-1] > 1e-9:
        pieces.append(flat_fan(grid[-1, :-1], tangents[-1]))
    return merged(*pieces)


def _with_round_ends(points: np.ndarray, scales: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quarter-circle steps of shrinking scale beyond each end that is not a point already."""
    angles = np.radians([90.0, 60.0, 30.0])
    for at_end in (False, True):
        points, scales = (points[::-1], scales[::-1]) if at_end else (points, scales)
        if scales[0] > 1e-9:
            outward = unit(points[0] - points[1])
            cap = points[0] + scales[0] * np.sin(angles)[:, None] * outward
            points = np.concatenate([cap, points])
            scales = np.concatenate([scales[0] * np.cos(angles), scales])
            scales[0] = 0.0
        points, scales = (points[::-1], scales[::-1]) if at_end else (points, scales)
    return points, scales


def _frames(
    points: Float[np.ndarray, "k 3"], up: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tangents and two axes per point, carried by the shortest rotation from tangent to tangent."""
    steps = unit(np.diff(points, axis=0))
    tangents = unit(np.concatenate([steps[:1], steps[:-1] + steps[1:], steps[-1:]]))
    if np.allclose(points[0], points[-1]):
        tangents[0] = tangents[-1] = unit(steps[0] + steps[-1])
    axis = np.cross(up, tangents[0])
    if np.linalg.norm(axis) < 1e-6:
        axis = np.cross([1.0, 0.0, 0.0], tangents[0])
    first = [unit(axis)]
    for before, after in itertools.pairwise(tangents):
        first.append(rotation_between(before, after) @ first[-1])
    across = np.array(first)
    return tangents, across, np.cross(tangents, across)
