"""Flat outlines given depth: bevelled plates and puffed cushions."""

import numpy as np
from jaxtyping import Float, Int

from common.kit.curves import Points
from common.kit.mesh import Mesh, merged, unit
from common.kit.real import Real
from common.kit.surface import grid_surface, planar_uvs
from common.kit.triangulate import triangulated

CREASE_DEG = 50.0
FRONT = np.array([0.0, 0.0, 1.0])


def extruded(outline: Points, depth: Real, bevel: Real = 0.0, bevel_steps: int = 2) -> Mesh:
    """A plate about z = 0: the counter-clockwise ``outline`` (x, y), ``depth`` thick.

    ``bevel`` rounds the front and back edges; it moves the caps inward by that much, so it must
    be small against the outline's details. Corners over 50 degrees stay sharp.
    """
    rim = np.asarray(outline, dtype=float)
    outward = _outward(rim)
    angles = np.radians(np.linspace(0.0, 90.0, bevel_steps + 1)) if bevel > 0 else np.zeros(1)
    inset = bevel * (1 - np.cos(angles))
    height = depth / 2 - bevel + bevel * np.sin(angles)
    insets = np.concatenate([inset[::-1], inset])
    heights = np.concatenate([-height[::-1], height])
    rings = np.zeros((len(insets), len(rim), 3))
    rings[..., :2] = rim - insets[:, None, None] * outward
    rings[..., 2] = heights[:, None]
    faces = triangulated(rings[-1, :, :2])
    caps = [_cap(rings[-1], faces, FRONT), _cap(rings[0], faces[:, ::-1], -FRONT)]
    return merged(*caps, *(grid_surface(rings[:, run]) for run in _smooth_runs(rim)))


def puffed(
    outline: Points,
    height: Real,
    roundness: Real = 2.0,
    rings: int = 5,
    centre: tuple[Real, Real] = (0.0, 0.0),
) -> Mesh:
    """A cushion: the outline swollen to ``height`` on either side of z = 0.

    The outline must be star-shaped about ``centre``. A ray from the centre (share 1) to the rim
    (share 0 of the height) follows the superellipse of exponent ``roundness``: 2 is an ellipse,
    more is flatter with fuller edges.
    """
    rim = np.asarray(outline, dtype=float)
    rim = np.concatenate([rim, rim[:1]])
    angles = np.radians(np.linspace(-90.0, 90.0, 2 * rings + 1))
    share = np.abs(np.cos(angles)) ** (2 / roundness)
    share[[0, -1]] = 0.0
    lift = height * np.sign(np.sin(angles)) * np.abs(np.sin(angles)) ** (2 / roundness)
    points = np.empty((len(angles), len(rim), 3))
    points[..., :2] = np.array(centre) + share[:, None, None] * (rim - np.array(centre))
    points[..., 2] = lift[:, None]
    return grid_surface(points)


def _outward(rim: np.ndarray) -> Float[np.ndarray, "k 2"]:
    """Per corner the vector that moves both its sides outward by one unit (a mitre, at most 2)."""
    sides = unit(np.roll(rim, -1, axis=0) - rim)
    normal = np.stack([sides[:, 1], -sides[:, 0]], axis=1)
    total = normal + np.roll(normal, 1, axis=0)
    squared = np.einsum("ni,ni->n", total, total)[:, None]
    mitre = 2 * total / np.maximum(squared, 1e-9)
    return mitre * np.minimum(1.0, 2.0 / np.maximum(np.linalg.norm(mitre, axis=1), 1e-9))[:, None]


def _smooth_runs(rim: np.ndarray) -> list[Int[np.ndarray, " c"]]:
    """Column indices of the stretches between sharp corners; one closed loop where none is sharp."""
    count = len(rim)
    sides = unit(np.roll(rim, -1, axis=0) - rim)
    cosines = np.einsum("ni,ni->n", sides, np.roll(sides, 1, axis=0))
    sharp = np.nonzero(cosines < np.cos(np.radians(CREASE_DEG)))[0]
    if len(sharp) == 0:
        return [np.arange(count + 1) % count]
    ends = np.append(sharp[1:], sharp[0] + count)
    return [np.arange(start, end + 1) % count for start, end in zip(sharp, ends, strict=True)]


def _cap(ring: np.ndarray, faces: np.ndarray, normal: np.ndarray) -> Mesh:
    return Mesh(
        vertices=ring,
        normals=np.tile(normal, (len(ring), 1)),
        uvs=planar_uvs(ring, normal),
        charts=np.zeros(len(ring), dtype=np.int64),
        faces=faces,
    )
