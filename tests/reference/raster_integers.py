"""Coverage of triangles by the top-left rule in Python integers: slow, obvious, exact.

Works on positions already snapped to the grid; knows nothing of cameras or clipping.
"""

import numpy as np

SUBPIXELS = 4096


def covers(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Which pixel centres a triangle covers, ``h w`` bool; ``corners``: (3, 2) snapped x, y."""
    a, b, c = (tuple(int(x) for x in corner) for corner in corners)
    area = _edge(a, b, c)
    if area == 0:
        return np.zeros((height, width), bool)
    if area < 0:
        b, c = c, b
    hit = np.zeros((height, width), bool)
    for row in range(height):
        for column in range(width):
            p = (column * SUBPIXELS + SUBPIXELS // 2, row * SUBPIXELS + SUBPIXELS // 2)
            hit[row, column] = all(
                _edge(p0, p1, p) > 0 or (_edge(p0, p1, p) == 0 and _owns(p0, p1))
                for p0, p1 in ((a, b), (b, c), (c, a))
            )
    return hit


def _edge(a: tuple[int, ...], b: tuple[int, ...], p: tuple[int, ...]) -> int:
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def _owns(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Left edges go up, top edges go right, when the corners run clockwise on the screen."""
    return b[1] < a[1] or (b[1] == a[1] and b[0] > a[0])
