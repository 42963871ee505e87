"""A mesh of a user's file made ready to be painted, and given its texture."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.drawable import drawable_with_uvs
from threed.files.losses import alpha_losses, map_losses
from threed.material import plain_material
from threed.mesh_files import read_mesh
from threed.painting.kept_texture import KeptTexture
from threed.painting.outward import outward
from threed.painting.placed_mesh import Placement, placed
from threed.painting.region import material_region, picture_region
from threed.texturing.unwrap import UnwrapOptions, Unwrapped, unwrapped
from threed.texturing.uv_check import UvLimits

if TYPE_CHECKING:
    from threed.texture import Texture

MIP_PADDING = 19
"""Least distance between charts: mip levels up to four do not mix them."""
_SMALL_PX = 1024
"""Textures below have charts nearer to each other, and hold to fewer mip levels."""

_ANY_LAYOUT = UvLimits(max_overlap=1.0, min_coverage=0.0, max_empty=1.0, max_stretched=1.0)
"""Where a part of a texture stays, its layout does, whatever it is like."""


@dataclass(frozen=True, eq=False)
class BareMesh:
    """A mesh that waits for its texture."""

    own: TriangleMesh
    """As the file has it, with texture coordinates."""
    placed: TriangleMesh
    """As the prior looks at it."""
    page: Unwrapped
    """How it came to its texture coordinates."""
    kept: KeptTexture | None
    """What stays of its texture."""
    texture_px: int
    losses: tuple[str, ...]
    """What the file holds that gets lost, a clause each."""

    def textured(self, texture: Float[Tensor, "h w 3"]) -> TriangleMesh:
        """The user's mesh with a texture, in its own frame."""
        return replace(self.own, texture=texture, vertex_colors=None, face_colors=None)


def bare_shape(mesh: TriangleMesh, texture_px: int) -> BareMesh:
    """A mesh that stands upright, front +Z, with new texture coordinates."""
    page = unwrapped(mesh, UnwrapOptions(texture_px, _padding(texture_px), keep_existing=False))
    return BareMesh(page.mesh, outward(placed(page.mesh, Placement())), page, None, texture_px, ())


def bare_mesh(method: "Texture") -> BareMesh:
    """Read the mesh of a method, give it texture coordinates, put it in place.

    Raises:
        InputError: it cannot be read, has no faces or no area, or no texture of which a part
            could stay.
    """
    read = read_mesh(method.input)
    mesh = plain_material(read.mesh)
    drawn, region = _region(method, drawable_with_uvs(mesh), read.parts)
    size = method.texture_px if region is None else len(region)
    limits = UvLimits() if region is None else _ANY_LAYOUT
    options = UnwrapOptions(
        size, _padding(size), keep_existing=method.keep_uvs or region is not None, limits=limits
    )
    page = unwrapped(drawn, options)
    kept = None
    if region is not None:
        if page.way != "kept" or page.mesh.texture is None:
            raise InputError(
                f"{method.input}: a part of its texture is to stay, but its texture coordinates "
                f"cannot: {'; '.join(page.reasons)}; paint all of it"
            )
        kept = KeptTexture(page.mesh.texture, torch.from_numpy(region))
    losses = (*read.losses, *map_losses(mesh), *alpha_losses(mesh))
    placement = Placement(method.up, method.front_deg)
    return BareMesh(page.mesh, outward(placed(page.mesh, placement)), page, kept, size, losses)


def _padding(size: int) -> int:
    return max(MIP_PADDING * min(size, _SMALL_PX) // _SMALL_PX, 2)


def check_region(method: "Texture") -> None:
    """Refuse a region that cannot be painted by itself.

    Raises:
        InputError: the file has no square texture, or neither mask nor materials fit it.
    """
    read = read_mesh(method.input)
    _region(method, drawable_with_uvs(plain_material(read.mesh)), read.parts)


def _region(
    method: "Texture", mesh: TriangleMesh, parts: tuple[tuple[str, int], ...]
) -> tuple[TriangleMesh, np.ndarray | None]:
    """The mesh, its texture square if some of it stays, and the texels that are painted anew.

    None for these: all of a new texture.
    """
    if method.mask is None and not method.materials:
        return mesh, None
    if mesh.texture is None or mesh.uvs is None:
        raise InputError(
            f"{method.input}: has no texture of which a part could stay; leave mask and materials "
            "out"
        )
    height, width = mesh.texture.shape[:2]
    square = _squared(mesh, method.input)
    if method.mask is None:
        return square, material_region(square, parts, method.materials, method.input)
    region = np.zeros((max(height, width),) * 2, np.bool_)
    region[:height, :width] = picture_region(method.mask, (height, width))
    return square, region


def _squared(mesh: TriangleMesh, path: Path) -> TriangleMesh:
    """The mesh with room to the right of its texture, or below, so that it is square.

    No texel changes; texture coordinates are scaled.
    """
    assert mesh.texture is not None
    assert mesh.uvs is not None
    height, width = mesh.texture.shape[:2]
    if height == width:
        return mesh
    if float(mesh.uvs.min()) < 0 or float(mesh.uvs.max()) > 1:
        raise InputError(
            f"{path}: its texture is {width} x {height} and repeats; parts of square ones, or of "
            "ones that do not repeat, are painted"
        )
    side = max(height, width)
    texture = mesh.texture.new_zeros(side, side, 3)
    texture[:height, :width] = mesh.texture
    across, up = mesh.uvs.unbind(1)
    uvs = torch.stack([across * width / side, 1 - (1 - up) * height / side], 1)
    return replace(mesh, uvs=uvs, texture=texture)
