"""How many fronts an object has: what tells the Janus problem of assets, faces on several sides.

Views are taken all round. Where neighbouring ones look as if they were taken from the front, there
is a front; a true object with a front has one.
"""

from jaxtyping import Bool
from torch import Tensor

MIN_RUN_DEG = 30.0
"""A front is told over at least so much of the circle: less is a slip."""
MAX_RUN_DEG = 180.0
"""And over less than so much: things that look alike all round have none."""
MIN_GAP_DEG = 30.0
"""Fronts are apart if for so much of the circle between them nothing looks like one."""


def count_fronts(told: Bool[Tensor, " v"]) -> int:
    """The number of fronts on a circle of evenly spaced views.

    Args:
        told: whether each view looks as if it were taken from the front.
    """
    step = 360.0 / len(told)
    ring = told.tolist()
    if all(ring):
        return 0
    start = ring.index(False)
    ring = ring[start:] + ring[:start]
    runs = _runs(ring)
    joined = _joined(runs, MIN_GAP_DEG / step)
    # the ring begins where nothing looks like a front, but a small gap there may be within one
    if len(joined) > 1 and joined[0][0] + len(ring) - joined[-1][1] < MIN_GAP_DEG / step:
        first, *rest = joined
        joined = [*rest[:-1], (rest[-1][0], first[1] + len(ring))]
    return sum(MIN_RUN_DEG <= (end - begin) * step < MAX_RUN_DEG for begin, end in joined)


def _runs(ring: list[bool]) -> list[tuple[int, int]]:
    """Begin and end of each run of true values."""
    edges = [False, *ring, False]
    changes = [i for i in range(len(ring) + 1) if edges[i] != edges[i + 1]]
    return list(zip(changes[::2], changes[1::2], strict=True))


def _joined(runs: list[tuple[int, int]], gap: float) -> list[tuple[int, int]]:
    """Runs with less than a gap between them are one."""
    found: list[tuple[int, int]] = []
    for begin, end in runs:
        if found and begin - found[-1][1] < gap:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return found
