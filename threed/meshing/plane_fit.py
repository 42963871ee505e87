"""Points that fit sets of planes, and quads that they span."""

import numpy as np
from jaxtyping import Float64, Int64

MEAN_WEIGHT = 0.02
"""Weight of the mean crossing beside the planes: where these leave a direction open, it decides."""


def fitted_points(
    vertex: Int64[np.ndarray, " k"],
    points: Float64[np.ndarray, "k 3"],
    normals: Float64[np.ndarray, "k 3"],
    cells: Int64[np.ndarray, "k 3"],
    count: int,
) -> Float64[np.ndarray, "n 3"]:
    """``argmin_x sum (n . (x - p))^2 + w |x - mean p|^2`` for each vertex, within its cell.

    Args:
        vertex: whose plane each is, from 0 to below ``count``.
        points: on the planes.
        normals: of unit length.
        cells: the unit cell that each vertex belongs to, by its lower corner.
        count: how many vertices.
    """

    def total(values: np.ndarray) -> np.ndarray:
        return np.bincount(vertex, values, count)

    number = np.maximum(total(np.ones(len(vertex))), 1)
    mean = np.stack([total(points[:, i]) for i in range(3)], -1) / number[:, None]
    corner = np.zeros((count, 3), np.int64)
    corner[vertex] = cells
    away = ((points - mean[vertex]) * normals).sum(1)
    matrix = np.empty((count, 3, 3))
    target = np.empty((count, 3))
    for i in range(3):
        target[:, i] = total(normals[:, i] * away)
        for j in range(3):
            matrix[:, i, j] = total(normals[:, i] * normals[:, j])
    matrix += MEAN_WEIGHT * np.eye(3)
    moved = np.linalg.solve(matrix, target[..., None])[..., 0]
    return np.clip(mean + moved, corner, corner + 1)


def split_quads(
    quads: Int64[np.ndarray, "q 4"], positions: Float64[np.ndarray, "n 3"]
) -> Int64[np.ndarray, "m 3"]:
    """Two triangles for each quad, along the diagonal that bends it less."""
    a, b, c, d = positions[quads].swapaxes(0, 1)

    def unit(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> np.ndarray:
        across = np.cross(q - p, r - p)
        return across / np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-300)

    first = (unit(a, b, c) * unit(a, c, d)).sum(1)
    second = (unit(a, b, d) * unit(b, c, d)).sum(1)
    use_first = (first >= second)[:, None]
    halves = (
        np.where(use_first, quads[:, [0, 1, 2]], quads[:, [0, 1, 3]]),
        np.where(use_first, quads[:, [0, 2, 3]], quads[:, [1, 2, 3]]),
    )
    return np.stack(halves, 1).reshape(-1, 3)
