"""Whether a surface has edges that only one face has: then one can look behind it."""

import numpy as np
from jaxtyping import Float

GRID = 1e-6
"""Corners closer than this share of the longest side are one point: seams are no open edges."""


def has_open_edges(corners: Float[np.ndarray, "m 3 xyz=3"]) -> bool:
    """Whether some edge belongs to exactly one face, faces being joined by position.

    Args:
        corners: of every face; faces that touch themselves are left out.
    """
    flat = corners.reshape(-1, 3).astype(np.float64)
    size = float(np.ptp(flat, axis=0).max()) or 1.0
    grid = np.round((flat - flat.min(0)) / (GRID * size)).astype(np.int64)
    # At most 10^6 steps along each axis: 21 bits.
    _, point = np.unique((grid[:, 0] << 42) | (grid[:, 1] << 21) | grid[:, 2], return_inverse=True)
    faces = point.reshape(-1, 3)
    faces = faces[(faces != np.roll(faces, 1, 1)).all(1)]
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), 1)
    number = edges[:, 0] * (int(point.max()) + 1) + edges[:, 1]
    _, count = np.unique(number, return_counts=True)
    return bool((count == 1).any())
