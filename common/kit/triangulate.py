"""Triangles of a simple polygon by ear clipping (Meisters 1975, "Polygons have ears")."""

import numpy as np
from jaxtyping import Float, Int


def triangulated(polygon: Float[np.ndarray, "k 2"]) -> Int[np.ndarray, "m 3"]:
    """The ``k - 2`` triangles of a simple counter-clockwise polygon, as indices of its corners.

    Among the ears of each round the one with the best shape is cut, so slivers come late. Where
    rounding leaves no strict ear (nearly collinear corners), the flattest corner is cut.
    """
    xs, ys = polygon[:, 0].tolist(), polygon[:, 1].tolist()
    ring = list(range(len(xs)))
    faces = []
    while len(ring) > 3:
        cut = _best_ear(ring, xs, ys)
        faces.append((ring[cut - 1], ring[cut], ring[(cut + 1) % len(ring)]))
        del ring[cut]
    faces.append((ring[0], ring[1], ring[2]))
    return np.array(faces)


def _best_ear(ring: list[int], xs: list[float], ys: list[float]) -> int:
    """The place in ``ring`` of an ear: convex, empty, and with a short diagonal."""
    size = len(ring)
    reflex = [
        i for k, i in enumerate(ring) if _turn(xs, ys, ring[k - 1], i, ring[(k + 1) % size]) < 0
    ]
    candidates = []
    for k, i in enumerate(ring):
        before, after = ring[k - 1], ring[(k + 1) % size]
        turn = _turn(xs, ys, before, i, after)
        if turn > 1e-14:
            diagonal = (xs[before] - xs[after]) ** 2 + (ys[before] - ys[after]) ** 2
            candidates.append((diagonal, k))
    for _, k in sorted(candidates):
        before, i, after = ring[k - 1], ring[k], ring[(k + 1) % size]
        if not any(
            _inside(xs, ys, before, i, after, p) for p in reflex if p not in (before, i, after)
        ):
            return k
    flatness = [
        abs(_turn(xs, ys, ring[k - 1], i, ring[(k + 1) % size])) for k, i in enumerate(ring)
    ]
    return flatness.index(min(flatness))


def _turn(xs: list[float], ys: list[float], a: int, b: int, c: int) -> float:
    """Twice the signed area of triangle abc: positive for a left turn."""
    return (xs[b] - xs[a]) * (ys[c] - ys[a]) - (ys[b] - ys[a]) * (xs[c] - xs[a])


def _inside(xs: list[float], ys: list[float], a: int, b: int, c: int, p: int) -> bool:
    return (
        _turn(xs, ys, a, b, p) >= 0 and _turn(xs, ys, b, c, p) >= 0 and _turn(xs, ys, c, a, p) >= 0
    )
