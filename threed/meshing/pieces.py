"""The pieces that a surface consists of: their areas, and dropping the small ones."""

import numpy as np
from jaxtyping import Float64, Int64

from threed.meshing.edges import Pairs, paired
from threed.meshing.triangles import Triangles, with_faces


def pieces(num_faces: int, pairs: Pairs) -> Int64[np.ndarray, " m"]:
    """For every face the number of its piece: faces that are joined along edges."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    here, there = pairs[0] // 3, pairs[1] // 3
    graph = coo_array((np.ones(len(here), np.bool_), (here, there)), (num_faces, num_faces))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def face_areas(triangles: Triangles) -> Float64[np.ndarray, " m"]:
    """Areas of the faces."""
    corners = triangles.corners
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return 0.5 * np.linalg.norm(across, axis=1)


def without_small_pieces(triangles: Triangles, min_share: float) -> Triangles:
    """Only the pieces with at least this share of the largest piece's area."""
    if min_share == 0 or len(triangles.faces) == 0:
        return triangles
    labels = pieces(len(triangles.faces), paired(triangles.vertices, triangles.faces))
    areas = np.bincount(labels, face_areas(triangles))
    return with_faces(triangles, (areas >= min_share * areas.max())[labels])
