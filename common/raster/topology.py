"""Which triangles meet at an edge."""

import numpy as np
import torch
from jaxtyping import Float, Int, Int32
from torch import Tensor

NO_NEIGHBOUR = -1


def face_neighbours(
    faces: Int[Tensor, "m 3"], vertices: Float[Tensor, "n 3"] | None = None
) -> Int32[Tensor, "m 3"]:
    """The triangle across each edge; entry ``i`` lies across the edge opposite to corner ``i``.

    -1 where there is none, and where more than two triangles meet.

    Args:
        faces: corner indices.
        vertices: if given, corners at exactly equal positions count as one, so that duplicates
            along texture seams and hard edges do not look like borders.
    """
    corners = faces.detach().numpy().astype(np.int64)
    if vertices is not None:
        corners = _weld(vertices.detach().numpy())[corners]
    first, second = np.roll(corners, -1, 1).ravel(), np.roll(corners, -2, 1).ravel()
    key = np.minimum(first, second) * (corners.max() + 1) + np.maximum(first, second)
    order = np.argsort(key, kind="stable")
    ranked = key[order]
    same_as_next = np.append(ranked[1:] == ranked[:-1], False)
    same_as_last = np.insert(ranked[1:] == ranked[:-1], 0, False)
    # two of a kind: the same as the next, but not as the one before or after the next
    pair = same_as_next & ~same_as_last & ~np.append(same_as_next[1:], False)
    here, there = order[pair.nonzero()[0]], order[pair.nonzero()[0] + 1]
    neighbours = np.full(key.shape, NO_NEIGHBOUR, np.int32)
    neighbours[here], neighbours[there] = there // 3, here // 3
    return torch.from_numpy(neighbours.reshape(-1, 3))


def _weld(positions: np.ndarray) -> np.ndarray:
    """One index for all vertices at the same position."""
    return np.unique(positions + 0.0, axis=0, return_inverse=True)[1].reshape(-1)  # -0.0 is 0.0
