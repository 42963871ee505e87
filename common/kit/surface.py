"""Surfaces from grids of points: what revolved, swept and leaf shapes share.

Rows run along the shape, columns across it; the outward normal is (next column - this one) x
(next row - this one).
"""

import numpy as np
from jaxtyping import Float, Int

from common.kit.mesh import Mesh, face_vectors, unit


def grid_surface(points: Float[np.ndarray, "r k 3"]) -> Mesh:
    """One smooth chart from a grid of points.

    Normals are welded where the first and last column, or all points of the first or last row
    (a pole), or first and last row coincide, so seams are invisible. UVs follow the mean arc
    length. Triangles without area (at poles) are left out.
    """
    rows, columns = points.shape[:2]
    vertices = points.reshape(-1, 3)
    faces = _grid_faces(rows, columns)
    vectors = face_vectors(vertices, faces)
    keep = np.einsum("ni,ni->n", vectors, vectors) > 1e-20
    faces, vectors = faces[keep], vectors[keep]
    normals = _welded_normals(points, faces, vectors)
    return Mesh(
        vertices=vertices,
        normals=normals,
        uvs=_arc_length_uvs(points),
        charts=np.zeros(len(vertices), dtype=np.int64),
        faces=faces,
    )


def flat_fan(rim: Float[np.ndarray, "k 3"], normal: np.ndarray) -> Mesh:
    """A flat disc: a fan about the mean of ``rim``, which winds counter-clockwise about ``normal``.

    The rim must be star-shaped about its mean.
    """
    count = len(rim)
    vertices = np.concatenate([rim, rim.mean(axis=0, keepdims=True)])
    ring = np.arange(count)
    faces = np.stack([ring, np.roll(ring, -1), np.full(count, count)], axis=1)
    return Mesh(
        vertices=vertices,
        normals=np.tile(normal, (count + 1, 1)),
        uvs=planar_uvs(vertices, normal),
        charts=np.zeros(count + 1, dtype=np.int64),
        faces=faces,
    )


def planar_uvs(vertices: np.ndarray, normal: np.ndarray) -> Float[np.ndarray, "n 2"]:
    """UVs by projection along ``normal``, stretched to fill [0, 1]^2."""
    helper = np.array([0.0, 1.0, 0.0]) if abs(normal[1]) < 0.9 else np.array([0.0, 0.0, -1.0])
    across = unit(np.cross(helper, normal))
    flat = np.stack([vertices @ across, vertices @ np.cross(normal, across)], axis=1)
    low, high = flat.min(axis=0), flat.max(axis=0)
    return (flat - low) / np.maximum(high - low, 1e-9)


def _grid_faces(rows: int, columns: int) -> Int[np.ndarray, "m 3"]:
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b = index[:-1, :-1].ravel(), index[:-1, 1:].ravel()
    c, d = index[1:, 1:].ravel(), index[1:, :-1].ravel()
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def _welded_normals(points: np.ndarray, faces: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    rows, columns = points.shape[:2]
    weld = np.arange(rows * columns).reshape(rows, columns)
    if np.allclose(points[:, 0], points[:, -1], atol=1e-9):
        weld[:, -1] = weld[:, 0]
    if np.allclose(points[0], points[-1], atol=1e-9):
        weld[-1] = weld[0]
    for row in (0, -1):
        if np.ptp(points[row], axis=0).max() < 1e-9:
            weld[row] = weld[row, 0]
    corners = weld.ravel()[faces]
    sums = np.stack(
        [
            np.bincount(corners.ravel(), np.repeat(vectors[:, axis], 3), rows * columns)
            for axis in range(3)
        ],
        axis=1,
    )
    return unit(sums)[weld.ravel()]


def _arc_length_uvs(points: np.ndarray) -> np.ndarray:
    def fractions(axis: int) -> np.ndarray:
        steps = np.linalg.norm(np.diff(points, axis=axis), axis=2).mean(axis=1 - axis)
        along = np.concatenate([[0.0], np.cumsum(steps)])
        return along / max(along[-1], 1e-12)

    v, u = np.meshgrid(fractions(0), fractions(1), indexing="ij")
    return np.clip(np.stack([u.ravel(), v.ravel()], axis=1), 0.0, 1.0)
