"""Dual contouring: a surface with sharp edges and corners from values on a grid.

Ju, Losasso, Schaefer and Warren 2002: one vertex in each cell that the surface passes, where it
fits the tangent planes at the cell's crossed edges best; one quad about each crossed edge. A cell
that several sheets pass gets a vertex for each (Nielson 2004, "Dual Marching Cubes"), so sheets
that only come close do not grow together. What still branches is cut by
`threed.meshing.manifold`.

Planes come from the values alone. Where a field has a crease, differences across it mean nothing:
as in essentially non-oscillatory schemes (Harten et al. 1987) each node takes its slopes from the
side where the values bend least, and the straighter side of a crossed edge says more about where
the surface is.
"""

from functools import cache
from itertools import product

import numpy as np
from jaxtyping import Float64, Int64

from threed.meshing.plane_fit import fitted_points, split_quads

AXES = (0, 1, 2)
CORNERS = tuple(product((0, 1), repeat=3))
"""Corners of a cell; number ``4 x + 2 y + z``."""

CENTRAL_WEIGHT = 10.0
POWER = 2
"""How weights of slopes fall with bends; central differences count more among straight ones."""


def dual_contoured(
    raw: Float64[np.ndarray, "x y z"],
) -> tuple[Float64[np.ndarray, "n 3"], Int64[np.ndarray, "m 3"]]:
    """The surface where values cross 0, in grid units, facing where they are below.

    Args:
        raw: positive inside; not positive at the grid's border, which closes the surface.
    """
    solid = raw > 0
    sheets, first_vertex = _sheets(solid)
    small = 1e-2 * _mean_step(raw, solid)
    slopes, bends = node_slopes(raw, small)
    planes, quads = [], []
    for axis in AXES:
        low = _crossed(solid, axis)
        point, normal = _tangent_planes(raw, slopes, bends, low, axis, small)
        around = _cells_about(low, axis)
        vertices = np.empty((len(low), 4), np.int64)
        for place, (cell, edge) in enumerate(around):
            at = np.ravel_multi_index(tuple(cell.T), sheets.shape[:3])
            vertices[:, place] = first_vertex[at] + sheets[(*cell.T, edge)]
            planes.append((vertices[:, place], point, normal, cell))
        rising = solid[tuple(low.T)]
        quads.append(np.where(rising[:, None], vertices, vertices[:, ::-1]))
    vertex, point, normal, cell = (np.concatenate(one) for one in zip(*planes, strict=True))
    positions = fitted_points(vertex, point, normal, cell, int(first_vertex[-1]))
    return positions, split_quads(np.concatenate(quads), positions)


def node_slopes(
    raw: Float64[np.ndarray, "x y z"], small: float
) -> tuple[Float64[np.ndarray, "x y z 3"], Float64[np.ndarray, "x y z 3"]]:
    """Slopes per cell at every node, from the straighter side, and how much values bend there.

    Means of the differences before, after and across, weighted by how little the values bend at
    them (Liu, Osher and Chan 1994); bends below ``small`` count as none.
    """
    slopes, bends = [], []
    for axis in AXES:
        values = np.moveaxis(raw, axis, 0)
        step = np.diff(values, axis=0)
        before, after = np.concatenate([step[:1], step]), np.concatenate([step, step[-1:]])
        bend = np.abs(after - before)  # at the ends 0, which nothing crosses
        choices = (
            (1.0, before, np.concatenate([bend[:1], bend[:-1]])),
            (1.0, after, np.concatenate([bend[1:], bend[-1:]])),
            (CENTRAL_WEIGHT, 0.5 * (before + after), bend),
        )
        weights = [share / (one + small) ** POWER for share, _, one in choices]
        total = np.sum(weights, axis=0)
        slope = sum(w * one for w, (_, one, _) in zip(weights, choices, strict=True)) / total
        least = sum(w * one for w, (_, _, one) in zip(weights, choices, strict=True)) / total
        slopes.append(np.moveaxis(slope, 0, axis))
        bends.append(np.moveaxis(least, 0, axis))
    return np.stack(slopes, -1), np.stack(bends, -1)


def _mean_step(raw: np.ndarray, solid: np.ndarray) -> float:
    """How much values differ over a crossed edge; 1 if none is."""
    steps = [np.abs(np.diff(raw, axis=i))[np.diff(solid, axis=i)] for i in AXES]
    return float(np.concatenate(steps).mean()) if any(map(len, steps)) else 1.0


def _crossed(solid: np.ndarray, axis: int) -> Int64[np.ndarray, "e 3"]:
    """Lower nodes of the grid's edges along an axis whose ends differ."""
    ends = np.moveaxis(solid, axis, 0)
    return np.argwhere(np.moveaxis(ends[1:] != ends[:-1], 0, axis))


def _tangent_planes(
    raw: np.ndarray, slopes: np.ndarray, bends: np.ndarray, low: np.ndarray, axis: int, small: float
) -> tuple[Float64[np.ndarray, "e 3"], Float64[np.ndarray, "e 3"]]:
    """Where the surface crosses edges, and its unit normals there, toward lower values.

    Three proposals for each edge: the values before it carried on, those behind it carried back,
    and the straight line between its ends. Each counts by how little the values bend where it
    comes from, and not at all if it misses the edge.
    """
    step = np.eye(3, dtype=np.int64)[axis]
    wide = np.pad(raw, 2, mode="edge")
    f = {k: wide[tuple((low + 2 + k * step).T)] for k in range(-2, 4)}
    ends = (tuple(low.T), tuple((low + step).T))
    sideways = [np.delete(bends[end], axis, 1).sum(1) for end in ends]
    second = {k: np.abs(f[k - 1] - 2 * f[k] + f[k + 1]) for k in (-1, 0, 1, 2)}
    proposals = (
        (1.0, f[0] - f[-1], 0, second[-1] + sideways[0], slopes[ends[0]]),
        (1.0, f[2] - f[1], 1, second[2] + sideways[1], slopes[ends[1]]),
        (CENTRAL_WEIGHT, f[1] - f[0], 0, second[0] + second[1],
         0.5 * (slopes[ends[0]] + slopes[ends[1]])),
    )  # fmt: skip
    total, where, normal = np.zeros(len(low)), np.zeros(len(low)), np.zeros((len(low), 3))
    for share, slope, origin, bend, around in proposals:
        away = origin - f[origin] / np.where(np.abs(slope) > 1e-12, slope, 1e-12)
        weight = share / (bend + small) ** POWER * ((away >= 0) & (away <= 1))
        total, where = total + weight, where + weight * away
        normal -= weight[:, None] * np.where(step, slope[:, None], around)
    point = low + (where / total)[:, None] * step  # the straight line never misses
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    return point, normal / np.maximum(length, 1e-300)


def _cells_about(low: np.ndarray, axis: int) -> list[tuple[np.ndarray, int]]:
    """The four cells round each edge, counter-clockwise seen from the axis' positive end."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    found = []
    for da, db in ((-1, -1), (0, -1), (0, 0), (-1, 0)):
        cell = low.copy()
        cell[:, first] += da
        cell[:, second] += db
        start = [0, 0, 0]
        start[first], start[second] = -da, -db
        found.append((cell, edge_number(axis, start)))
    return found


def edge_number(axis: int, start: list[int]) -> int:
    """The number of a cell's edge along an axis from a corner: 0 to 11."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    return 4 * axis + 2 * start[first] + start[second]


def _sheets(solid: np.ndarray) -> tuple[np.ndarray, Int64[np.ndarray, " c"]]:
    """For each cell and edge the sheet that crosses it, and each cell's first vertex.

    The last entry of the second is the number of all vertices.
    """
    shape = tuple(size - 1 for size in solid.shape)
    config = np.zeros(shape, np.uint8)
    for number, (x, y, z) in enumerate(CORNERS):
        part = solid[x : x + shape[0], y : y + shape[1], z : z + shape[2]]
        config |= part.astype(np.uint8) << number
    table, counts = sheet_table()
    per_cell = counts[config.ravel()]
    return table[config], np.append(0, np.cumsum(per_cell))


@cache
def sheet_table() -> tuple[np.ndarray, np.ndarray]:
    """For each of 256 cells and 12 edges the sheet's number, -1 where none; and how many sheets.

    Crossed edges of a face belong to one sheet; with four on a face, the two at each solid corner:
    both cells of the face see it the same way.
    """
    faces = [_face_round(axis, side) for axis, side in product(AXES, (0, 1))]
    table, counts = np.full((256, 12), -1, np.int8), np.zeros(256, np.int64)
    for config in range(256):
        sheet: dict[int, int] = {}
        for corners, edges in faces:
            solid = [config >> corner & 1 for corner in corners]
            crossed = [k for k in range(4) if solid[k] != solid[(k + 1) % 4]]
            if len(crossed) == 4:  # edge k - 1 and edge k meet in corner k
                pairs = [(edges[k - 1], edges[k]) for k in range(4) if solid[k]]
            else:
                pairs = [(edges[crossed[0]], edges[crossed[1]])] if crossed else []
            for one, other in pairs:
                old, new = sheet.setdefault(one, one), sheet.setdefault(other, other)
                sheet = {edge: new if label == old else label for edge, label in sheet.items()}
        labels = sorted(set(sheet.values()))
        for edge, label in sheet.items():
            table[config, edge] = labels.index(label)
        counts[config] = len(labels)
    return table, counts


def _face_round(axis: int, side: int) -> tuple[list[int], list[int]]:
    """Corners of a cell's face in a round, and the edges from each to the next."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    corners, edges = [], []
    for a, b, along in ((0, 0, first), (1, 0, second), (1, 1, first), (0, 1, second)):
        where = [0, 0, 0]
        where[axis], where[first], where[second] = side, a, b
        corners.append(CORNERS.index((where[0], where[1], where[2])))
        where[along] = 0
        edges.append(edge_number(along, where))
    return corners, edges
