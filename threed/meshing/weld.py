"""Vertices at the same place become one."""

from dataclasses import replace

import numpy as np

from common.errors import InputError
from threed.meshing.triangles import Triangles, without_unused

FINEST = 1e-6
"""Least tolerance but 0: three coordinates of a million steps each fit one integer key."""


def welded(triangles: Triangles, tolerance: float = FINEST) -> Triangles:
    """Merge the vertices that round to the same multiple of the tolerance; the first one stays.

    Args:
        triangles: their unused vertices are left out too.
        tolerance: in shares of the longest side; 0 leaves all vertices as they are.
    """
    if tolerance == 0:
        return without_unused(triangles)
    if not FINEST <= tolerance < 1:
        raise InputError(f"a weld tolerance is 0, or from {FINEST:g} to below 1; got {tolerance}")
    used = without_unused(triangles)
    low = used.vertices.min(0)
    longest = float((used.vertices.max(0) - low).max())
    steps = np.rint((used.vertices - low) / max(longest * tolerance, 1e-300)).astype(np.int64)
    key = (steps[:, 0] << 42) | (steps[:, 1] << 21) | steps[:, 2]
    _, first, place = np.unique(key, return_index=True, return_inverse=True)
    keep = np.sort(first)
    rank = np.searchsorted(keep, first)
    return replace(
        used,
        vertices=used.vertices[keep],
        vertex_source=used.vertex_source[keep],
        faces=rank[place][used.faces],
    )
