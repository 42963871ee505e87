"""Texture coordinates outside of [0, 1], which are legal where textures repeat, brought inside.

Charts that lie on another repetition of the page are moved by whole pages: every texel lookup stays
what it was. Where a chart crosses the page's edge, all of them are shrunk together onto the page,
which keeps their shapes and distances but asks for a texture of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float64, Int64

from common.raster.mesh import TriangleMesh

MAX_PAGES = 1.5
"""Longer layouts are meant to repeat a small picture, and are not shrunk."""
INSET = 1 / 256
"""Of the page's side, kept free at its edges after shrinking."""


@dataclass(frozen=True, eq=False)
class OnPage:
    """The mesh with its coordinates inside the page."""

    mesh: TriangleMesh
    shrunk: float
    """Scale of the layout; 1 where charts only moved by whole pages and the texture still fits."""


def onto_page(mesh: TriangleMesh, tolerance: float) -> OnPage | None:
    """The coordinates within [0, 1]; None where they reach over several pages.

    Args:
        mesh: with finite texture coordinates. Its texture is dropped if the layout is shrunk.
        tolerance: how far outside counts as inside.
    """
    if mesh.uvs is None:
        return None
    uvs = mesh.uvs.detach().double().numpy()
    corners = (mesh.faces if mesh.uv_faces is None else mesh.uv_faces).numpy().astype(np.int64)
    moved = uvs - _pages(uvs, corners)
    used = moved[np.unique(corners)]
    low, high = used.min(0), used.max(0)
    if (low >= -tolerance).all() and (high <= 1 + tolerance).all():
        return OnPage(replace(mesh, uvs=torch.from_numpy(moved).to(mesh.uvs)), 1.0)
    longest = float((high - low).max())
    if longest > MAX_PAGES:
        return None
    scale = (1 - 2 * INSET) / longest
    placed = (moved - low) * scale + INSET
    return OnPage(replace(mesh, uvs=torch.from_numpy(placed).to(mesh.uvs), texture=None), scale)


def _pages(
    uvs: Float64[np.ndarray, "n 2"], corners: Int64[np.ndarray, "m 3"]
) -> Float64[np.ndarray, "n 2"]:
    """The page, a pair of whole numbers, that the middle of each coordinate's chart is on."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]]])
    joined = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(len(uvs),) * 2)
    count, chart = connected_components(joined, directed=False)
    low, high = np.full((count, 2), np.inf), np.full((count, 2), -np.inf)
    np.minimum.at(low, chart, uvs)
    np.maximum.at(high, chart, uvs)
    return np.floor((low + high) / 2)[chart]
