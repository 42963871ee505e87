"""Every two triangles in a cell of a grid: texture coordinates that always exist.

Neighbours lie apart, so textures look rough where cells have few texels; for triangle soups that
nothing else can lay out.
"""

import math
from dataclasses import replace

import numpy as np
import torch

from common.raster.mesh import TriangleMesh, corner_positions

MAX_GUTTER_SHARE = 0.25
"""Of a cell's side that is gutter, at most; cells of many texels have gutters of two."""
GUTTER_TEXELS = 2.0


def grid_charts(mesh: TriangleMesh, texture_size: int) -> TriangleMesh:
    """The mesh with texture coordinates on a grid, each triangle with its longest edge slanted."""
    count = len(mesh.faces)
    per_side = math.ceil(math.sqrt(-(-count // 2)))
    side = texture_size / per_side
    gutter = min(GUTTER_TEXELS, MAX_GUTTER_SHARE * side) / side  # as a share of the cell
    low, high, near = 0.5 * gutter, 1 - 0.5 * gutter, 1 - 1.5 * gutter
    first = np.array([[low, low], [near, low], [low, near]])
    second = 1 - first
    halves = np.stack([first, second])
    assert high > near > low
    corners = corner_positions(mesh.vertices.detach().double(), mesh.faces)
    # entry i: the edge across corner i; the corner across from the longest gets the right angle
    across = (corners.roll(-1, 1) - corners.roll(-2, 1)).norm(dim=-1).numpy()
    start = across.argmax(1)
    number = np.arange(count)
    place = (np.arange(3) - start[:, None]) % 3
    cell = np.stack([number // 2 % per_side, number // 2 // per_side], 1)
    page = (cell[:, None] + halves[number % 2][number[:, None], place]) / per_side
    return replace(
        mesh, uvs=torch.from_numpy(page.reshape(-1, 2)).to(mesh.vertices.dtype), texture=None,
        uv_faces=torch.arange(3 * count, dtype=torch.int32).view(-1, 3),
    )  # fmt: skip
