"""All faces of a piece wound the same way, and closed pieces outward."""

import numpy as np
from jaxtyping import Bool, Float64, Int64

from threed.meshing.edges import Pairs, borders, paired, run_alike
from threed.meshing.pieces import pieces
from threed.meshing.triangles import Triangles, with_turned


def wound_alike(triangles: Triangles) -> Triangles:
    """Turn the fewest faces so that neighbours agree; then turn closed pieces inside in outward.

    A mesh whose neighbours agree from the start and that encloses a positive volume keeps its
    orientation: pieces turned inside out may be the walls of its cavities. Where no winding is
    consistent (a Moebius strip), faces stay as they are.
    """
    if len(triangles.faces) == 0:
        return triangles
    pairs = paired(triangles.vertices, triangles.faces)
    wrong = _minority(triangles.faces, pairs)
    turned = with_turned(triangles, wrong)
    labels = pieces(len(triangles.faces), pairs)
    closed = np.ones(labels.max() + 1, np.bool_)
    closed[labels[borders(triangles.faces, pairs) // 3]] = False
    volumes = np.where(closed, np.bincount(labels, signed_volumes(turned)), 0.0)
    if not wrong.any() and volumes.sum() > 0:
        return turned
    return with_turned(turned, (volumes < 0)[labels])


def signed_volumes(triangles: Triangles) -> Float64[np.ndarray, " m"]:
    """Volumes of the tetrahedra over every face, seen from the middle of the vertices."""
    corners = triangles.corners - triangles.vertices.mean(0)
    return (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum(1) / 6


def _minority(faces: Int64[np.ndarray, "m 3"], pairs: Pairs) -> Bool[np.ndarray, " m"]:
    """Which faces to turn.

    Components of a graph with two nodes a face, as given and turned: neighbours that disagree are
    joined crosswise. A consistent piece makes two components, one the mirror of the other.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    count = len(faces)
    alike = run_alike(faces, pairs)
    if not alike.any():
        return np.zeros(count, np.bool_)
    here, there = pairs[0] // 3, pairs[1] // 3
    across = np.where(alike, count, 0)
    first = np.concatenate([here, here + count])
    second = np.concatenate([there + across, there + count - across])
    graph = coo_array((np.ones(len(first), np.bool_), (first, second)), (2 * count, 2 * count))
    labels = connected_components(graph, directed=False)[1]
    given, turned = labels[:count], labels[count:]
    sizes = np.bincount(given, minlength=labels.max() + 1)  # faces as given in each component
    # of two equal halves the one with the lower label, so that one of both is turned
    fewer = (sizes[given] < sizes[turned]) | ((sizes[given] == sizes[turned]) & (given > turned))
    return fewer & (given != turned)
