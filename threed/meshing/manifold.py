"""Cutting where a surface branches, so that every edge has at most two faces.

Cuts (Gueziec, Taubin, Lazarus and Horn 1998) keep all faces and their looks: the corners of faces
that are joined by pairs of half-edges (`threed.meshing.edges`) stay one vertex, all others part.
Bodies that only touch, along an edge or in a point, come apart and stay closed.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Int64

from threed.meshing.edges import Pairs, borders, edge_keys, half_edges, paired, run_alike
from threed.meshing.triangles import Triangles, with_faces, with_new_faces


def cut_to_manifold(triangles: Triangles) -> Triangles:
    """The same faces with vertices doubled where more than one sheet meets.

    Two edges of one sheet may still run between the same two vertices; all but one of them get a
    vertex in their middle.
    """
    if len(triangles.faces) == 0:
        return triangles
    current = _cut(triangles, paired(triangles.vertices, triangles.faces))
    while True:
        here, there = _edges(current)
        double = _double(current.faces, here)
        if not len(double):
            return current
        chosen = _apart(here[double] // 3, there[double] // 3)
        current = _with_middles(current, here[double[chosen]], there[double[chosen]])


def _edges(triangles: Triangles) -> Pairs:
    """Every edge as one of its half-edges and the other one's number, -3 at borders."""
    here, there = pairs = paired(triangles.vertices, triangles.faces)
    alone = borders(triangles.faces, pairs)
    return np.append(here, alone), np.append(there, np.full(len(alone), -3))


def _apart(first: Int64[np.ndarray, " k"], second: Int64[np.ndarray, " k"]) -> list[int]:
    """A choice among edges such that no face has two of them: dividing one renumbers no other."""
    chosen, busy = [], {-1}
    for place, faces in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        if not busy.intersection(faces) - {-1}:
            busy.update(faces)
            chosen.append(place)
    return chosen


def _double(faces: Int64[np.ndarray, "m 3"], here: Int64[np.ndarray, " p"]) -> np.ndarray:
    """Those edges that are not the first between their vertices."""
    keys = edge_keys(faces)[here]
    _, first = np.unique(keys, return_index=True)
    again = np.ones(len(keys), np.bool_)
    again[first] = False
    return again.nonzero()[0]


def _with_middles(
    triangles: Triangles, here: Int64[np.ndarray, " k"], there: Int64[np.ndarray, " k"]
) -> Triangles:
    """These edges divided in their middle, and the faces at each with them."""
    start, end = half_edges(triangles.faces)
    where = 0.5 * (triangles.vertices[start[here]] + triangles.vertices[end[here]])
    grown = replace(
        triangles,
        vertices=np.concatenate([triangles.vertices, where]),
        vertex_source=np.append(triangles.vertex_source, triangles.vertex_source[start[here]]),
    )
    fresh, beside = [], []
    at = np.arange(len(here))
    for half_edge, middle in ((here, at), (there[there >= 0], at[there >= 0])):
        middle = middle + len(triangles.vertices)
        tip = triangles.faces[half_edge // 3, (half_edge + 2) % 3]
        fresh += [np.stack([start[half_edge], middle, tip], 1)]
        fresh += [np.stack([middle, end[half_edge], tip], 1)]
        beside += [half_edge // 3] * 2
    old = np.ones(len(triangles.faces), np.bool_)
    old[np.concatenate(beside)] = False
    grown = with_new_faces(grown, np.concatenate(fresh), np.concatenate(beside))
    return with_faces(grown, np.append(old, np.ones(sum(map(len, fresh)), np.bool_)))


def _cut(triangles: Triangles, pairs: Pairs) -> Triangles:
    """One vertex for each fan of faces that the pairs join."""
    fans = _fans(triangles.faces, pairs)
    corners = triangles.faces.ravel()
    _, first, place = np.unique(fans, return_index=True, return_inverse=True)
    order = np.argsort(corners[first], kind="stable")  # fans of a vertex side by side, as it was
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    chosen = corners[first[order]]
    return replace(
        triangles,
        vertices=triangles.vertices[chosen],
        vertex_source=triangles.vertex_source[chosen],
        faces=rank[place].reshape(-1, 3),
    )


def _fans(faces: Int64[np.ndarray, "m 3"], pairs: Pairs) -> np.ndarray:
    """For every corner, the number of the fan of faces about its vertex."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    here, there = pairs
    alike = run_alike(faces, pairs)
    here_end, there_end = _next_corner(here), _next_corner(there)
    first = np.concatenate([here, here_end])
    second = np.concatenate([np.where(alike, there, there_end), np.where(alike, there_end, there)])
    count = faces.size
    graph = coo_array((np.ones(len(first), np.bool_), (first, second)), (count, count))
    return connected_components(graph, directed=False)[1]


def _next_corner(half_edge: Int64[np.ndarray, " k"]) -> Int64[np.ndarray, " k"]:
    return half_edge // 3 * 3 + (half_edge + 1) % 3


def branching_edges(faces: Int64[np.ndarray, "m 3"]) -> int:
    """How many edges have more than two faces."""
    _, counts = np.unique(edge_keys(faces), return_counts=True)
    return int((counts > 2).sum())
