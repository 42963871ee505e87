"""Closing holes: the patch of least area over each border loop.

Triangulations of the loop's corners, by dynamic programming over its chords (Barequet and Sharir
1995, "Filling gaps in the boundary of a polyhedron").
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Int64

from common.raster.jit import kernel
from threed.meshing.edges import borders, edge_keys, half_edges, paired
from threed.meshing.pieces import face_areas, pieces
from threed.meshing.triangles import Triangles, with_new_faces

MAX_EDGES = 1000
"""Longer loops take more than seconds: time grows with the third power."""
FLAT = 1e-9
"""Least area of a patch's triangles, in squares of the hole's longest side."""


@dataclass(frozen=True, eq=False)
class Closed:
    """What became of the holes."""

    triangles: Triangles
    num_closed: int
    num_left: int
    """Too long, larger than their surroundings, or without a patch that meets no edge twice."""


def close_holes(triangles: Triangles, max_edges: int = 200, max_share: float = 0.75) -> Closed:
    """Patch the holes of a manifold, consistently wound surface.

    Args:
        triangles: from `cut_to_manifold` and `wound_alike`.
        max_edges: longer borders are left; 0 leaves all.
        max_share: patches with more of the area of the piece that they close are left out: an open
            sheet is no hole.
    """
    faces = triangles.faces
    if len(faces) == 0:
        return Closed(triangles, 0, 0)
    pairs = paired(triangles.vertices, faces)
    loops = border_loops(faces, borders(faces, pairs))
    if not loops:
        return Closed(triangles, 0, 0)
    labels = pieces(len(faces), pairs)
    areas = np.bincount(labels, face_areas(triangles))
    known, patches, beside = _Edges(np.sort(edge_keys(faces)), set()), [], []
    for loop in loops:
        if not 3 <= len(loop) <= min(max_edges, MAX_EDGES):
            continue
        patch = _patch(triangles, loop, known, max_share * areas[labels[loop[0] // 3]])
        if patch is not None:
            patches.append(patch)
            beside.append(np.full(len(patch), loop[0] // 3))
    left = len(loops) - len(patches)
    if not patches:
        return Closed(triangles, 0, left)
    grown = with_new_faces(triangles, np.concatenate(patches), np.concatenate(beside))
    return Closed(grown, len(patches), left)


def border_loops(
    faces: Int64[np.ndarray, "m 3"], border: Int64[np.ndarray, " b"]
) -> list[Int64[np.ndarray, " k"]]:
    """The border half-edges in rounds, each in its running order; open chains are left out."""
    start, end = (one[border] for one in half_edges(faces))
    ordered = np.argsort(start, kind="stable")
    at = np.searchsorted(start[ordered], end)
    found = start[ordered][np.minimum(at, len(border) - 1)] == end if len(border) else at == 0
    following = np.where(found, ordered[np.minimum(at, len(border) - 1)], -1).tolist()
    fresh, loops = [True] * len(border), []
    for first in range(len(border)):
        chain, place = [], first
        while place >= 0 and fresh[place]:
            fresh[place] = False
            chain.append(place)
            place = following[place]
        if chain and place == first:
            loops.append(border[chain])
    return loops


@dataclass(frozen=True, eq=False)
class _Edges:
    """The edges that a patch must not meet: those of the surface, sorted, and of other patches."""

    given: Int64[np.ndarray, " h"]
    made: set[int]

    def among(self, keys: Int64[np.ndarray, "k k"]) -> Bool[np.ndarray, "k k"]:
        """Which keys are edges already."""
        at = np.minimum(np.searchsorted(self.given, keys), len(self.given) - 1)
        found = self.given[at] == keys
        if self.made:
            found |= np.array([key in self.made for key in keys.ravel().tolist()]).reshape(at.shape)
        return found


def _patch(
    triangles: Triangles, loop: np.ndarray, known: _Edges, max_area: float
) -> Int64[np.ndarray, "k 3"] | None:
    """Triangles over a loop, wound against its half-edges; None if there is no good patch."""
    corners = triangles.faces.ravel()[loop][::-1]
    if len(np.unique(corners)) < len(corners):
        return None
    base = int(triangles.faces.max()) + 1
    low, high = np.minimum(corners[:, None], corners), np.maximum(corners[:, None], corners)
    chords = low * base + high
    taken = known.among(chords)
    count = len(corners)
    rows = np.arange(count)
    taken[rows, (rows + 1) % count] = taken[(rows + 1) % count, rows] = False
    split = np.empty((count, count), np.int64)
    points = np.ascontiguousarray(triangles.vertices[corners])
    area = least_area(points, taken, FLAT * float(np.ptp(points, axis=0).max()) ** 2, split)
    if not area <= max_area:
        return None
    found = np.array(_triangles(split))
    known.made.update(chords[found, np.roll(found, -1, axis=1)].ravel().tolist())
    return corners[found]


def _triangles(split: Int64[np.ndarray, "k k"]) -> list[tuple[int, int, int]]:
    """The triangles of the best division, from the table of where chords are divided."""
    found, waiting = [], [(0, len(split) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        middle = int(split[first, last])
        found.append((first, middle, last))
        waiting += [(first, middle), (middle, last)]
    return found


@kernel
@no_type_check
def least_area(points, taken, least, split):
    """Least area of a triangulated loop ``(k, 3)``; writes where each chord is divided.

    ``A[i, j] = min_m A[i, m] + A[m, j] + area(i, m, j)``; infinite are chords that exist already
    and triangles of an area up to ``least``, which corners in one line would make.
    """
    count = len(points)
    areas = np.zeros((count, count))
    for span in range(2, count):
        for first in range(count - span):
            last = first + span
            best, where = np.inf, first + 1
            if not taken[first, last]:
                ax = points[last, 0] - points[first, 0]
                ay = points[last, 1] - points[first, 1]
                az = points[last, 2] - points[first, 2]
                for middle in range(first + 1, last):
                    bx = points[middle, 0] - points[first, 0]
                    by = points[middle, 1] - points[first, 1]
                    bz = points[middle, 2] - points[first, 2]
                    x, y, z = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
                    area = 0.5 * np.sqrt(x * x + y * y + z * z)
                    if area <= least:
                        continue
                    total = areas[first, middle] + areas[middle, last] + area
                    if total < best:
                        best, where = total, middle
            areas[first, last] = best
            split[first, last] = where
    return areas[0, count - 1]
