"""Charts by box projection: neighbouring faces that look alike way are seen along one axis.

Never fails on ordinary meshes and takes seconds for millions of faces, where conformal charts take
hours; stretch is at most the inverse of `MIN_COSINE`. Directions are smoothed over neighbours, so
that rough surfaces do not fall apart into crumbs. A face that another one of its chart hides starts
a chart of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64, Int64

from common.raster.mesh import TriangleMesh, corner_positions, face_normals
from common.raster.topology import face_neighbours
from threed.texturing.packing import NoCharts, packed
from threed.texturing.page import page_fragments

SMOOTHING_ROUNDS = 8
MIN_COSINE = 0.25
"""Least cosine between a face and the axis it is seen along, unless all six are worse."""
MAX_LAYERS = 8
AXES = np.concatenate([np.eye(3), -np.eye(3)])
RIGHT = np.array([[0, 0, -1], [1, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0], [-1, 0, 0]], float)
UP = np.cross(AXES, RIGHT)


@dataclass(frozen=True, eq=False)
class _Laid:
    """Charts on the page, and how deep their vertices lie."""

    mesh: TriangleMesh
    depth: Float64[np.ndarray, " n_uv"]
    texel: float
    """Side of a texel on the surface, as a share of the mesh's longest side."""


def box_charts(mesh: TriangleMesh, texture_size: int, padding_texels: int) -> TriangleMesh:
    """The mesh with texture coordinates by box projection.

    Args:
        mesh: any; neighbours are found by equal positions.
        texture_size: texels along each side that the texture will have.
        padding_texels: least distance between charts.

    Raises:
        NoCharts: there are too many charts for the page, or too many layers.
    """
    across = face_neighbours(mesh.faces, mesh.vertices).numpy().astype(np.int64)
    axis = _axes(face_normals(mesh.vertices.detach().double(), mesh.faces).numpy(), across)
    layer = np.zeros(len(axis), np.int64)
    for _ in range(MAX_LAYERS):
        chart = _connected(axis + 6 * layer, across)
        laid = _laid(mesh, axis, chart, texture_size, padding_texels)
        hidden = _hidden(laid, texture_size)
        if not hidden.any():
            return laid.mesh
        layer[hidden] += 1
    if hidden.mean() < 1e-3:  # the rest shares texels with its own neighbours
        return laid.mesh
    raise NoCharts(f"box projection found more than {MAX_LAYERS} layers over each other")


def _axes(
    normals: Float64[np.ndarray, "m 3"], across: Int64[np.ndarray, "m 3"]
) -> Int64[np.ndarray, " m"]:
    """The axis each face is seen along, 0 to 5: x, y, z, -x, -y, -z."""
    smooth = normals
    there = (across >= 0)[..., None]
    for _ in range(SMOOTHING_ROUNDS):
        smooth = smooth + np.where(there, smooth[across], 0).sum(1)
        smooth = smooth / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-30)
    facing = normals @ AXES.T
    allowed = facing > MIN_COSINE
    scores = np.where(allowed, smooth @ AXES.T, -2.0)
    return np.where(allowed.any(1), scores.argmax(1), facing.argmax(1))


def _connected(
    label: Int64[np.ndarray, " m"], across: Int64[np.ndarray, "m 3"]
) -> Int64[np.ndarray, " m"]:
    """Number of each face's chart: neighbours with the same label."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    face, side = ((across >= 0) & (label[across] == label[:, None])).nonzero()
    graph = coo_array((np.ones(len(face), np.bool_), (face, across[face, side])), (len(label),) * 2)
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _laid(
    mesh: TriangleMesh,
    axis: Int64[np.ndarray, " m"],
    chart: Int64[np.ndarray, " m"],
    size: int,
    padding: int,
) -> _Laid:
    """Project, turn the charts so that they lie flat, and pack them."""
    corners = corner_positions(mesh.vertices.detach().double(), mesh.faces).numpy()
    longest = float((corners.max((0, 1)) - corners.min((0, 1))).max())
    planes = np.stack([RIGHT[axis], UP[axis], AXES[axis]], 1)
    seen = np.einsum("mij,mkj->mki", planes, corners)  # face, corner, right-up-toward
    keys = chart[:, None] * len(mesh.vertices) + mesh.faces.numpy()
    _, first, place = np.unique(keys, return_index=True, return_inverse=True)
    rows, owner = seen.reshape(-1, 3)[first], np.repeat(chart, 3)[first]
    count = int(chart.max()) + 1
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, owner, rows[:, :2])
    np.maximum.at(high, owner, rows[:, :2])
    sides = high - low
    flat = rows[:, :2] - low[owner]
    upright = sides[:, 1] > sides[:, 0]
    turned = np.stack([sides[owner, 1] - flat[:, 1], flat[:, 0]], 1)
    flat = np.where(upright[owner, None], turned, flat)
    lying = np.where(upright[:, None], sides[:, ::-1], sides)
    places, scale = packed(lying, size, padding)
    page = (places[owner] + flat * scale) / size
    toward = rows[:, 2]
    depth = (toward.max() - toward) / max(float(toward.max() - toward.min()), 1e-300)
    result = replace(
        mesh, uvs=torch.from_numpy(page).to(mesh.vertices.dtype), texture=None,
        uv_faces=torch.from_numpy(place.reshape(-1, 3).astype(np.int32)),
    )  # fmt: skip
    return _Laid(result, depth, 1 / max(scale * longest, 1e-300))


def _hidden(laid: _Laid, size: int) -> np.ndarray:
    """Which faces lie behind another one at their middle."""
    assert laid.mesh.uvs is not None
    assert laid.mesh.uv_faces is not None
    corners = laid.mesh.uv_faces.numpy()
    seen = page_fragments(laid.mesh, size, depth=torch.from_numpy(laid.depth))
    middle = laid.mesh.uvs.double().numpy()[corners].mean(1)
    column = np.clip((middle[:, 0] * size).astype(np.int64), 0, size - 1)
    row = np.clip(((1 - middle[:, 1]) * size).astype(np.int64), 0, size - 1)
    front = seen.depth[0].numpy()[row, column]
    away = 1 + laid.depth[corners]
    # across two texels a face's own depth changes by no more than its slope allows
    margin = np.ptp(away, axis=1) + 2 * laid.texel / MIN_COSINE
    return (front > 0) & (away.mean(1) > front + margin)
