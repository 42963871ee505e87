"""The part of a texture that is painted anew: by a picture on its page, or by materials' names."""

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool

from common.errors import InputError
from common.media.images import read_picture
from common.raster.mesh import TriangleMesh
from threed.texturing.page import page_fragments

_SUPERSAMPLE = 2
_WHITE = 127


def picture_region(path: Path, size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """Texels that are white in a picture of a texture's height and width.

    Raises:
        InputError: unreadable, of another size than the texture, or black all over.
    """
    pixels = read_picture(path)
    if pixels.shape[:2] != size:
        height, width = pixels.shape[:2]
        raise InputError(
            f"{path} is {width} x {height}, and the mesh's texture is {size[1]} x {size[0]}; a "
            "mask has a pixel for each texel"
        )
    white = pixels[..., :3].mean(-1) > _WHITE
    if not white.any():
        raise InputError(f"{path} is black everywhere: nothing would be painted")
    return np.ascontiguousarray(white)


def material_region(
    mesh: TriangleMesh, parts: tuple[tuple[str, int], ...], names: tuple[str, ...], path: Path
) -> Bool[np.ndarray, "h w"]:
    """Texels that only faces of these materials lie on, and empty ones that are nearest to them.

    Args:
        mesh: with a square texture.
        parts: the material of its faces, and of how many in turn.
        names: of materials.
        path: of the file, for messages.

    Raises:
        InputError: the file has no material of a name.
    """
    from scipy import ndimage

    known = {name for name, _ in parts}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(
            f"{path}: has no material {unknown[0]!r}; its materials are "
            f"{', '.join(sorted(known)) or 'not named'}"
        )
    assert mesh.texture is not None
    size = len(mesh.texture)
    chosen = np.repeat([name in names for name, _ in parts], [count for _, count in parts])
    seen = page_fragments(mesh, size * _SUPERSAMPLE).face_index[0]
    cells = seen.reshape(size, _SUPERSAMPLE, size, _SUPERSAMPLE).permute(0, 2, 1, 3).flatten(2)
    owned = cells >= 0
    ours = torch.from_numpy(chosen)[cells.clamp_min(0).long()] & owned
    painted = (ours.any(-1) & (ours == owned).all(-1)).numpy()
    rows, columns = ndimage.distance_transform_cdt(
        ~owned.any(-1).numpy(), "chessboard", return_distances=False, return_indices=True
    )
    return painted[rows, columns]
