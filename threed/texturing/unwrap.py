"""Texture coordinates for any mesh: charts cut and packed by xatlas."""

from dataclasses import replace

import numpy as np
import torch

from common.errors import InputError
from common.raster.mesh import TriangleMesh

MAX_FACES = 200_000
"""Beyond this xatlas takes many minutes; field meshes have a tenth of it."""


def unwrap(mesh: TriangleMesh, texture_size: int = 1024, padding_texels: int = 4) -> TriangleMesh:
    """The mesh with ``uvs`` and ``uv_faces``: charts that do not overlap, inside [0, 1].

    Positions and faces stay as they are; only texture coordinates are doubled along seams.

    Args:
        mesh: closed or not, without faces of area zero.
        texture_size: texels along each side that the texture will have.
        padding_texels: least distance between charts; mip level ``l`` needs ``2^l``.

    Raises:
        InputError: too many faces.
    """
    import xatlas

    if len(mesh.faces) > MAX_FACES:
        raise InputError(
            f"{len(mesh.faces):,} faces are too many to unwrap, {MAX_FACES:,} are not; "
            "mesh the field on a coarser grid"
        )
    atlas = xatlas.Atlas()
    atlas.add_mesh(
        mesh.vertices.detach().numpy().astype(np.float32), mesh.faces.numpy().astype(np.uint32)
    )
    pack = xatlas.PackOptions()
    pack.resolution = texture_size
    # The packer overshoots the size it is asked for, and coordinates are then scaled down.
    pack.padding = padding_texels + -(-padding_texels // 2)
    pack.bilinear = True
    atlas.generate(pack_options=pack)
    _, corners, uvs = atlas[0]
    # Viewers repeat textures by default: charts at the page's edge would bleed to the other side.
    inset = 0.5 * padding_texels / texture_size
    page = torch.from_numpy(uvs.copy()) * (1 - 2 * inset) + inset
    return replace(mesh, uvs=page, uv_faces=torch.from_numpy(corners.astype(np.int32)))
