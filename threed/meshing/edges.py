"""Which half-edges belong together.

Half-edge ``3 f + i`` runs from corner ``i`` of face ``f`` to corner ``i + 1``. Around an edge that
more than two faces share, the faces are sorted by angle and those pairs belong together that have
matter between them; the others have a border there.
"""

import numpy as np
from jaxtyping import Bool, Float64, Int64

Pairs = tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " p"]]
"""Half-edges and their partners, each pair once."""


def half_edges(
    faces: Int64[np.ndarray, "m 3"],
) -> tuple[Int64[np.ndarray, " h"], Int64[np.ndarray, " h"]]:
    """Start and end vertex of every half-edge."""
    return faces.ravel(), np.roll(faces, -1, axis=1).ravel()


def edge_keys(faces: Int64[np.ndarray, "m 3"]) -> Int64[np.ndarray, " h"]:
    """One number for each half-edge, equal for those between the same vertices."""
    start, end = half_edges(faces)
    return np.minimum(start, end) * (int(faces.max(initial=0)) + 1) + np.maximum(start, end)


def paired(vertices: Float64[np.ndarray, "n 3"], faces: Int64[np.ndarray, "m 3"]) -> Pairs:
    """The half-edges that belong together."""
    start, end = half_edges(faces)
    keys = edge_keys(faces)
    order = np.argsort(keys, kind="stable")
    ranked = keys[order]
    fresh = np.append(True, ranked[1:] != ranked[:-1])
    first = fresh.nonzero()[0]
    counts = np.diff(np.append(first, len(ranked)))
    two = first[counts == 2]
    here, there = order[two], order[two + 1]
    crowded = np.repeat(counts > 2, counts)
    if not crowded.any():
        return here, there
    many = order[crowded]
    more_here, more_there = _with_matter_between(vertices, faces, start, end, keys, many)
    return np.concatenate([here, more_here]), np.concatenate([there, more_there])


def borders(faces: Int64[np.ndarray, "m 3"], pairs: Pairs) -> Int64[np.ndarray, " b"]:
    """The half-edges without a partner."""
    alone = np.ones(faces.size, np.bool_)
    alone[pairs[0]] = alone[pairs[1]] = False
    return alone.nonzero()[0]


def run_alike(faces: Int64[np.ndarray, "m 3"], pairs: Pairs) -> Bool[np.ndarray, " p"]:
    """Which partners run the same way, as they do where two faces are wound differently."""
    start, _ = half_edges(faces)
    return start[pairs[0]] == start[pairs[1]]


def _with_matter_between(
    vertices: np.ndarray, faces: np.ndarray, start: np.ndarray, end: np.ndarray,
    keys: np.ndarray, chosen: np.ndarray,
) -> Pairs:  # fmt: skip
    """Pairs among half-edges of edges that more than two faces share.

    A face that runs up the edge (from the lower vertex) has its outside at larger angles, one that
    runs down at smaller ones: matter is between a face that runs down and the next one, if that
    runs up.
    """
    low, high = np.minimum(start, end)[chosen], np.maximum(start, end)[chosen]
    opposite = vertices[faces[chosen // 3, (chosen + 2) % 3]] - vertices[low]
    axis = vertices[high] - vertices[low]
    axis = axis / np.maximum(np.linalg.norm(axis, axis=1, keepdims=True), 1e-300)
    side = np.eye(3)[np.abs(axis).argmin(1)]
    east = np.cross(axis, side)
    north = np.cross(axis, east)
    angle = np.arctan2((opposite * north).sum(1), (opposite * east).sum(1))
    order = np.lexsort((angle, keys[chosen]))
    around = chosen[order]
    here, there = [], []
    while len(around):
        following = _next_at_edge(keys[around])
        up = start[around] < end[around]
        between = ~up & up[following]
        if not between.any():
            break
        here.append(around[between])
        there.append(around[following[between]])
        # what encloses a pair may be a pair itself
        left = ~between
        left[following[between]] = False
        around = around[left]
    none = np.empty(0, np.int64)
    return np.concatenate([none, *here]), np.concatenate([none, *there])


def _next_at_edge(keys: Int64[np.ndarray, " k"]) -> Int64[np.ndarray, " k"]:
    """For entries sorted by key, the place of the next one with the same key, round and round."""
    places = np.arange(len(keys))
    first = np.append(True, keys[1:] != keys[:-1])
    last = np.append(first[1:], True)
    return np.where(last, np.maximum.accumulate(np.where(first, places, 0)), places + 1)
