"""Flaws of the shape itself: its size, place and pose, and faces without area."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from threed.gltf.findings import Finding
from threed.gltf.primitives import Primitive

LARGEST_M, SMALLEST_M = 100.0, 1e-3
MAX_OFFSET = 1.0
"""How far from the origin the middle may be, in longest sides."""
RESTS = 0.03
"""Share of the surface that a base has at least."""


def face_findings(parts: list[Primitive]) -> Iterator[Finding]:
    """Faces without area."""
    flat = total = 0
    for part in parts:
        area, longest = _areas(part.world[part.faces])
        # Slivers below float32's resolution of their own edges have no direction.
        flat += int((area <= 1e-7 * longest**2).sum())
        total += len(area)
    if flat:
        yield Finding(
            "degenerate-faces", "warning",
            f"{flat:,} of {total:,} faces have no area; their normals are noise and tools that "
            "unwrap or subdivide stumble over them",
            "merge doubled vertices and drop faces without area",
        )  # fmt: skip


def pose_findings(parts: list[Primitive]) -> Iterator[Finding]:
    """Sizes that are probably other units, places far from the origin, objects that lie down."""
    if not parts:
        return
    corners = np.concatenate([part.world[part.faces] for part in parts])
    low, high = corners.min((0, 1)), corners.max((0, 1))
    longest = float((high - low).max())
    if longest > LARGEST_M or longest < SMALLEST_M:
        yield Finding(
            "unit-scale", "warning",
            f"its longest side is {longest:.3g} m; glTF counts in metres, so this was probably "
            f"meant in {'millimetres or centimetres' if longest > LARGEST_M else 'larger units'}",
            "scale it to metres",
        )  # fmt: skip
    middle = (low + high) / 2
    offset = float(np.linalg.norm(middle))
    if longest > 0 and offset > MAX_OFFSET * longest:
        yield Finding(
            "off-centre", "warning",
            f"its middle is {offset:.3g} m from the origin, {offset / longest:.1f} times its "
            "longest side: it turns and scales about a point outside itself",
            "move it to the origin",
        )  # fmt: skip
    if _lies_on_its_back(corners, low, high):
        yield Finding(
            "not-upright", "warning",
            "it rests on a flat base that faces -Z, at z = 0, and on nothing below: it was "
            "probably made with +Z up, so it lies on its back (suspected)",
            "turn it by -90 degrees about X: +Y is up in glTF, and +Z the front",
        )  # fmt: skip


def _areas(corners: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Area and longest edge of triangles ``m 3 3``."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    edges = np.stack([b - a, c - b, a - c])
    return area, np.linalg.norm(edges, axis=2).max(0)


def _lies_on_its_back(
    corners: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> bool:
    """Whether it stands on z = 0 as objects stand on the ground, and on no other side."""
    size = high - low
    if abs(low[2]) > 0.01 * size.max() or abs(low[1]) <= 0.01 * size.max():
        return False
    return _base_share(corners, low, 2) >= RESTS > _base_share(corners, low, 1)


def _base_share(corners: NDArray[np.float64], low: NDArray[np.float64], axis: int) -> float:
    """Share of the area that lies flat on the lower end of an axis."""
    area, _ = _areas(corners)
    span = corners[..., axis].max() - low[axis]
    flat = (corners[..., axis] <= low[axis] + 0.005 * span).all(1)
    return float(area[flat].sum() / max(area.sum(), 1e-300))
