"""Where on a texture a mesh's charts lie, drawn texel by texel."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from common.cameras import Cameras
from common.raster.rasterize import rasterize


@dataclass(frozen=True, eq=False)
class Charts:
    """Which chart owns each texel."""

    owner: NDArray[np.int32]
    """``h w``: number of the chart whose triangles hold the texel's centre, -1 for none."""

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Texels that some chart owns."""
        return self.owner >= 0


def charts_of(
    positions: NDArray[np.float32],
    uvs: NDArray[np.float32],
    faces: NDArray[np.int64],
    height: int,
    width: int,
) -> Charts:
    """Draw triangles into the texture that they look up.

    Charts are triangles that hang together by corners with the same place on the surface and on
    the page, to the bit; charts that only touch on the page are two.

    Args:
        positions: ``n 3``.
        uvs: ``n 2`` inside [0, 1], v down from the top.
        faces: ``m 3``.
        height: rows of texels.
        width: columns of texels.
    """
    chart = _components(np.concatenate([positions, uvs], 1), faces)
    flat = torch.from_numpy(np.concatenate([uvs, np.ones_like(uvs[:, :1])], 1).astype(np.float32))
    scale = torch.tensor([[width, 0, 0], [0, height, 0], [0, 0, 1]], dtype=torch.float32)
    page = Cameras(torch.eye(4)[None], scale[None], height, width)
    seen = rasterize(flat, torch.from_numpy(faces.astype(np.int32)), page).face_index[0].numpy()
    return Charts(np.where(seen < 0, -1, chart[np.maximum(seen, 0)]).astype(np.int32))


def _components(corners_at: NDArray[np.float32], faces: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each face's chart."""
    words = np.ascontiguousarray(corners_at, np.float32).view("V20").ravel()
    _, point = np.unique(words, return_inverse=True)
    corners = point[faces]
    edges = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]]])
    size = int(point.max()) + 1
    ones = np.ones(len(edges), np.int8)
    graph = coo_array((ones, (edges[:, 0], edges[:, 1])), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    return label[corners[:, 0]].astype(np.int64)
