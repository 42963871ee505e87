"""The mesh drawn into its own texture: which triangle each texel belongs to."""

import torch
from jaxtyping import Bool
from torch import Tensor

from common.cameras import Cameras
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import Fragments, rasterize


def page_fragments(
    mesh: TriangleMesh, size: int, *, first_row: int = 0, num_rows: int | None = None,
    depth: Tensor | None = None,
) -> Fragments:  # fmt: skip
    """Triangles at their texture coordinates, seen by a camera whose picture is the texture.

    Args:
        mesh: with texture coordinates.
        size: texels along each side of the whole texture.
        first_row: the first row of texels that is wanted, from the top.
        num_rows: how many; None: all from there on.
        depth: how far behind the page each row of ``uvs`` lies, from 0 to 1; the nearest triangle
            is seen. None: all on the page, the first triangle is seen.
    """
    assert mesh.uvs is not None
    corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    u, v = mesh.uvs.unbind(-1)
    away = torch.ones_like(u) if depth is None else 1 + depth.to(u)
    # straight lines stay straight in perspective: scaled by depth, a point keeps its place
    points = torch.stack([u * away, (1 - v) * away, away], -1).to(mesh.vertices)
    scale = mesh.vertices.new_tensor([[size, 0, 0], [0, size, -first_row], [0, 0, 1]])
    rows = size - first_row if num_rows is None else num_rows
    page = Cameras(torch.eye(4).to(mesh.vertices)[None], scale[None], rows, size)
    return rasterize(points, corners, page)


def chart_texels(mesh: TriangleMesh, size: int, supersample: int = 2) -> Bool[Tensor, "h w"]:
    """Texels with one of ``supersample x supersample`` points in a chart."""
    covered = page_fragments(mesh, size * supersample).covered
    return torch.nn.functional.max_pool2d(covered.float(), supersample)[0] > 0
