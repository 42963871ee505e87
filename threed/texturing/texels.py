"""Texels as points of the surface: where each lies, which way it faces, and which lie on none.

A texel is sampled at ``supersample x supersample`` points on the page; those inside charts are its
samples, and it belongs to a chart if it has any. So charts and triangles smaller than a texel get
texels too, and a texel's colour is a mean over what it shows.
"""

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from common.errors import InputError
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh, vertex_normals
from threed.texturing.gutters import filled
from threed.texturing.page import page_fragments

MAX_SUPERSAMPLE = 8


@dataclass(frozen=True, eq=False)
class Texels:
    """What a square texture covers: ``n`` samples on the surface, texel by texel, row by row."""

    owned: Bool[Tensor, "h w"]
    """Whether a texel has samples; row 0 is the top of the texture."""
    positions: Float[Tensor, "n 3"]
    normals: Float[Tensor, "n 3"]
    """Unit, outward, smooth."""
    first: Int64[Tensor, " texels"]
    """The first sample of every owned texel."""


def texels_of(mesh: TriangleMesh, size: int, supersample: int = 1) -> Texels:
    """The surface points of all texels of a ``size x size`` texture.

    Args:
        mesh: with texture coordinates.
        size: texels along each side.
        supersample: samples along each side of a texel, 1 to 8; memory grows with its square.

    Raises:
        InputError: the mesh has no texture coordinates, or none of its charts holds a texel.
    """
    if mesh.uvs is None:
        raise InputError("a mesh needs texture coordinates before its texture: see unwrap")
    if not 1 <= supersample <= MAX_SUPERSAMPLE:
        raise InputError(f"supersample must be from 1 to {MAX_SUPERSAMPLE}, got {supersample}")
    fragments = page_fragments(mesh, size * supersample)
    covered = _by_texel(fragments.covered[..., None], supersample)[..., 0]
    owned = covered.any(-1)
    if not bool(owned.any()):
        raise InputError(f"no texel of a {size} x {size} texture lies on the surface")
    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals
    normal_faces = mesh.faces if mesh.normal_faces is None else mesh.normal_faces
    where = _by_texel(interpolate(mesh.vertices, mesh.faces, fragments), supersample)[covered]
    facing = _by_texel(interpolate(normals, normal_faces, fragments), supersample)[covered]
    counts = covered.sum(-1)[owned]
    return Texels(
        rearrange(owned, "(h w) -> h w", w=size),
        where,
        torch.nn.functional.normalize(facing, dim=-1),
        counts.cumsum(0) - counts,
    )


def _by_texel(page: Tensor, supersample: int) -> Tensor:
    """The samples of each texel side by side."""
    return rearrange(
        page, "1 (h down) (w across) c -> (h w) (down across) c",
        down=supersample, across=supersample,
    )  # fmt: skip


def texel_means(texels: Texels, values: Float[Tensor, "n c"]) -> Float[Tensor, "texels c"]:
    """The mean of the samples of every owned texel."""
    first = texels.first.numpy()
    counts = np.diff(np.append(first, len(values)))
    sums = np.add.reduceat(values.numpy(), first, axis=0)
    return torch.from_numpy(sums / counts[:, None].astype(sums.dtype))


def texture_from(texels: Texels, colours: Float[Tensor, "n c"]) -> Float[Tensor, "h w c"]:
    """The texture of these samples' colours, filled between charts (`gutters`)."""
    height, width = texels.owned.shape
    texture = colours.new_zeros(height, width, colours.shape[1])
    texture[texels.owned] = texel_means(texels, colours)
    return filled(texture, texels.owned)
