"""Faces that are no faces: without area, or there twice."""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from threed.meshing.edges import paired
from threed.meshing.triangles import Triangles, with_faces, with_new_faces

MAX_ROUNDS = 16


def without_degenerate(triangles: Triangles, tolerance: float = 1e-7) -> Triangles:
    """No face whose least height is below the tolerance.

    A face with a corner on its longest edge is not just taken out, which would tear a closed
    surface: that edge is flipped into the face across it. What cannot be flipped is removed.

    Args:
        triangles: welded.
        tolerance: in shares of the longest side.
    """
    faces = triangles.faces
    repeated = (faces == np.roll(faces, 1, axis=1)).any(1)
    current = with_faces(triangles, ~repeated)
    if len(current.faces) == 0:
        return current
    used = current.vertices[current.faces.ravel()]
    least = tolerance * float((used.max(0) - used.min(0)).max())
    for _ in range(MAX_ROUNDS):
        flat = least_heights(current) <= least
        flipped = _flipped(current, flat, least) if flat.any() else None
        if flipped is None:
            break
        current = flipped
    return with_faces(current, least_heights(current) > least)


def without_duplicates(triangles: Triangles) -> Triangles:
    """Of faces with the same three corners, whichever way round, only the first."""
    if len(triangles.faces) == 0:
        return triangles
    corners = np.sort(triangles.faces, axis=1)
    order = np.lexsort(corners.T[::-1])
    ranked = corners[order]
    again = np.append(False, (ranked[1:] == ranked[:-1]).all(1))
    keep = np.ones(len(corners), np.bool_)
    keep[order[again]] = False  # lexsort is stable: the first of equals comes first
    return with_faces(triangles, keep)


def least_heights(triangles: Triangles) -> Float64[np.ndarray, " m"]:
    """Twice the area over the longest edge."""
    corners = triangles.corners
    edges = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2).max(1)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.linalg.norm(across, axis=1) / np.maximum(edges, 1e-300)


def _flipped(triangles: Triangles, flat: Bool[np.ndarray, " m"], least: float) -> Triangles | None:
    """Flip the longest edges of flat faces; None if there is nothing to flip."""
    faces, corners = triangles.faces, triangles.corners
    here, there = paired(triangles.vertices, faces)
    partner = np.full(faces.size, -1)
    partner[here], partner[there] = there, here
    thin = flat.nonzero()[0]
    lengths = np.linalg.norm(np.roll(corners[thin], -1, axis=1) - corners[thin], axis=2)
    longest = 3 * thin + lengths.argmax(1)
    across = partner[longest]
    usable = (across >= 0) & ~flat[across // 3]
    # both must run opposite ways; each neighbour takes part in one flip
    usable &= faces.ravel()[longest] != faces.ravel()[across]
    longest, across = longest[usable], across[usable]
    _, first = np.unique(across // 3, return_index=True)
    longest, across = longest[first], across[first]
    tip, far = _opposite(faces, longest), _opposite(faces, across)
    start, end = faces.ravel()[longest], faces[longest // 3, (longest + 1) % 3]
    first_new = np.stack([tip, start, far], 1)
    second_new = np.stack([tip, far, end], 1)
    good = tip != far
    if not good.any():
        return None
    old = np.zeros(len(faces), np.bool_)
    old[longest[good] // 3] = old[across[good] // 3] = True
    beside = np.concatenate([across[good] // 3] * 2)
    fresh = np.concatenate([first_new[good], second_new[good]])
    grown = with_new_faces(triangles, fresh, beside)
    return with_faces(grown, np.append(~old, np.ones(len(fresh), np.bool_)))


def _opposite(faces: np.ndarray, half_edge: Int64[np.ndarray, " k"]) -> Int64[np.ndarray, " k"]:
    return faces[half_edge // 3, (half_edge + 2) % 3]
