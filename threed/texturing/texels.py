"""Texels as points of the surface: where each lies, which way it faces, and which lie on none.

The mesh is drawn into its own texture: triangles at their texture coordinates, one metre before a
camera whose picture is the texture.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh, vertex_normals
from common.raster.rasterize import rasterize


@dataclass(frozen=True, eq=False)
class Texels:
    """What a square texture covers: ``n`` texels that lie on the surface, row by row."""

    owned: Bool[Tensor, "h w"]
    """Whether a texel's centre lies inside a chart; row 0 is the top of the texture."""
    positions: Float[Tensor, "n 3"]
    normals: Float[Tensor, "n 3"]
    """Unit, outward, smooth."""


def texels_of(mesh: TriangleMesh, size: int) -> Texels:
    """The surface points of all texels of a ``size x size`` texture.

    Raises:
        InputError: the mesh has no texture coordinates, or none of its charts holds a texel.
    """
    if mesh.uvs is None:
        raise InputError("a mesh needs texture coordinates before its texture: see unwrap")
    corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    u, v = mesh.uvs.unbind(-1)
    flat = torch.stack([u, 1 - v, torch.ones_like(u)], -1).to(mesh.vertices)
    scale = mesh.vertices.new_tensor([[size, 0, 0], [0, size, 0], [0, 0, 1]])
    page = Cameras(torch.eye(4).to(mesh.vertices)[None], scale[None], size, size)
    fragments = rasterize(flat, corners, page)
    owned = fragments.covered[0]
    if not bool(owned.any()):
        raise InputError(f"no texel of a {size} x {size} texture lies on the surface")
    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals
    normal_faces = mesh.faces if mesh.normal_faces is None else mesh.normal_faces
    where = interpolate(mesh.vertices, mesh.faces, fragments)
    facing = interpolate(normals, normal_faces, fragments)
    facing = torch.nn.functional.normalize(facing, dim=-1)
    chosen = rearrange(owned, "h w -> (h w)")
    return Texels(
        owned,
        rearrange(where, "1 h w xyz -> (h w) xyz")[chosen],
        rearrange(facing, "1 h w xyz -> (h w) xyz")[chosen],
    )


def texture_from(texels: Texels, colours: Float[Tensor, "n c"]) -> Float[Tensor, "h w c"]:
    """The texture with these texels; every other texel repeats the nearest one that has a colour.

    So lookups across a chart's border, and mip levels as far as charts are apart, find no colour
    that is not the surface's own.
    """
    from scipy import ndimage

    height, width = texels.owned.shape
    texture = colours.new_zeros(height, width, colours.shape[1])
    texture[texels.owned] = colours
    rows, columns = ndimage.distance_transform_edt(
        ~texels.owned.numpy(), return_distances=False, return_indices=True
    )
    return texture[torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]
