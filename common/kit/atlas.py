"""One texture for a whole object: every chart gets its own rectangle, painted with its pattern."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from common.kit.mesh import Mesh, merged
from common.kit.part import Part
from common.kit.patterns import Plain, painted

GUTTER = 2
"""Texels around a chart's UV square that repeat its border, so that filtering never bleeds."""
PLAIN_WEIGHT = 0.35
"""How many texels a metre of a plain chart gets beside a patterned one."""


@dataclass(frozen=True)
class Atlas:
    """The merged mesh of all parts with texture coordinates, and the texture."""

    mesh: Mesh
    part_of_face: Int[np.ndarray, " m"]
    """Index into the parts."""
    uvs: Float[np.ndarray, "n 2"]
    """Texture coordinates of the vertices, u right, v up; charts do not overlap."""
    texture: Float[np.ndarray, "size size 3"]
    """sRGB in [0, 1], row 0 on top."""


def atlas(parts: Sequence[Part], size: int = 256) -> Atlas:
    """Pack and paint the charts of all parts into a square texture of ``size`` texels."""
    mesh = merged(*(part.mesh for part in parts))
    part_of_face = np.repeat(np.arange(len(parts)), [len(part.mesh.faces) for part in parts])
    num_charts = [int(part.mesh.charts.max()) + 1 for part in parts]
    part_of_chart = np.repeat(np.arange(len(parts)), num_charts)
    metres = chart_sizes(mesh, len(part_of_chart))
    plain = np.array([isinstance(part.pattern, Plain) for part in parts])[part_of_chart]
    rectangles = packed(metres * np.where(plain, PLAIN_WEIGHT, 1.0)[:, None], size)
    texture = np.ones((size, size, 3))
    for chart, part_index in enumerate(part_of_chart.tolist()):
        part = parts[part_index]
        _paint(texture, part, rectangles[chart], metres[chart])
    corner, extent = rectangles[:, :2] + GUTTER, rectangles[:, 2:] - 2 * GUTTER
    uvs = (corner[mesh.charts] + mesh.uvs * extent[mesh.charts]) / size
    return Atlas(mesh, part_of_face, uvs, texture)


def chart_sizes(mesh: Mesh, num_charts: int) -> Float[np.ndarray, "chart 2"]:
    """Width and height in metres of each chart's UV square: mean length of dP/du and dP/dv.

    Per triangle the derivatives solve ``[dP/du dP/dv] [duv] = [dP]``; triangles are weighted by
    their area in space.
    """
    corners, coordinates = mesh.vertices[mesh.faces], mesh.uvs[mesh.faces]
    edges = corners[:, 1:] - corners[:, :1]
    (du1, dv1), (du2, dv2) = (coordinates[:, 1:] - coordinates[:, :1]).transpose(1, 2, 0)
    determinant = du1 * dv2 - du2 * dv1
    solid = np.abs(determinant) > 1e-12
    inverse = np.where(solid, 1.0 / np.where(solid, determinant, 1.0), 0.0)[:, None]
    along_u = (edges[:, 0] * dv2[:, None] - edges[:, 1] * dv1[:, None]) * inverse
    along_v = (edges[:, 1] * du1[:, None] - edges[:, 0] * du2[:, None]) * inverse
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1) * solid
    chart = mesh.charts[mesh.faces[:, 0]]
    total = np.maximum(np.bincount(chart, area, num_charts), 1e-12)
    lengths = [
        np.bincount(chart, area * np.linalg.norm(along, axis=1), num_charts) / total
        for along in (along_u, along_v)
    ]
    return np.maximum(np.stack(lengths, axis=1), 1e-4)


def packed(wanted: Float[np.ndarray, "chart 2"], size: int) -> Int[np.ndarray, "chart 4"]:
    """Rectangles (left, bottom, width, height) in texels, gutters included, none overlapping.

    Shelves from the bottom up, tallest charts first; all charts shrink by one common factor until
    they fit. Every chart keeps at least 2 x 2 texels inside its gutter.

    Raises:
        ValueError: even the smallest charts do not fit in ``size``.
    """
    scale = 0.95 * size / np.sqrt(np.prod(wanted, axis=1).sum())
    while True:
        inner = np.clip(np.round(wanted * scale).astype(np.int64), 2, size - 2 * GUTTER)
        rectangles = _shelved(inner + 2 * GUTTER, size)
        if rectangles is not None:
            return rectangles
        if inner.max() == 2:
            raise ValueError(f"{len(wanted)} charts do not fit in a texture of {size} texels")
        scale *= 0.93


def _shelved(sizes: np.ndarray, limit: int) -> np.ndarray | None:
    rectangles = np.empty((len(sizes), 4), dtype=np.int64)
    left = bottom = shelf = 0
    widths, heights = sizes[:, 0].tolist(), sizes[:, 1].tolist()
    for chart in sorted(range(len(sizes)), key=lambda one: -heights[one]):
        if left + widths[chart] > limit:
            left, bottom, shelf = 0, bottom + shelf, 0
        if bottom + heights[chart] > limit:
            return None
        rectangles[chart] = left, bottom, widths[chart], heights[chart]
        left += widths[chart]
        shelf = max(shelf, heights[chart])
    return rectangles


def _paint(texture: np.ndarray, part: Part, rectangle: np.ndarray, metres: np.ndarray) -> None:
    left, bottom, width, height = rectangle.tolist()
    rows = slice(len(texture) - bottom - height, len(texture) - bottom)
    columns = slice(left, left + width)
    if isinstance(part.pattern, Plain):
        texture[rows, columns] = part.paint.rgb
        return
    inner_width, inner_height = width - 2 * GUTTER, height - 2 * GUTTER
    u = np.clip((np.arange(width) - GUTTER + 0.5) / inner_width, 0, 1 - 1e-9)
    v = np.clip((np.arange(height)[::-1] - GUTTER + 0.5) / inner_height, 0, 1 - 1e-9)
    x, y = np.meshgrid(u * metres[0], v * metres[1])
    metric = (float(metres[0]), float(metres[1]))
    texture[rows, columns] = painted(part.pattern, part.paint, x, y, metric)
