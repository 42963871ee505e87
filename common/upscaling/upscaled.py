"""Pictures made larger by the upscaler, in tiles: memory does not grow with the picture.

Each picture is treated alone and without chance, so frames of a clip and views of an object stay
as consistent as they were. A tile is computed with as much around it as can reach it, so tiles make
the picture that a single pass makes.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from common.embedded.upscaler import FOLD, UPSCALING, Upscaler
from common.errors import InputError
from common.shapes import Images

TILE_PX = 256
"""Side of a tile, in pixels of the input."""


@torch.inference_mode()
def upscaled(
    model: Upscaler, pictures: Images, factor: int, tile_px: int = TILE_PX
) -> Float[Tensor, "b c y x"]:
    """Pictures in [-1, 1] with ``factor`` times the sides, in range.

    Args:
        model: the upscaler, of factor 2; it is applied twice for 4, and not at all for 1.
        pictures: premultiplied RGBA, or RGB.
        factor: 1, 2 or 4.
        tile_px: side of a tile, an even number; it bounds memory and changes nothing else.

    Raises:
        InputError: another factor, tile or number of channels.
    """
    if factor not in (1, 2, 4) or tile_px < FOLD or tile_px % FOLD:
        raise InputError(
            f"pictures are upscaled by 1, 2 or 4 in tiles of even sides, not by {factor} in tiles "
            f"of {tile_px}"
        )
    if pictures.shape[1] not in (3, 4):
        raise InputError(f"RGB or RGBA pictures are upscaled, not {pictures.shape[1]} channels")
    return torch.stack([_upscaled_one(model, one, factor, tile_px) for one in pictures])


def _upscaled_one(
    model: Upscaler, picture: Float[Tensor, "c h w"], factor: int, tile_px: int
) -> Float[Tensor, "c y x"]:
    channels = len(picture)
    if factor == 1:
        return picture
    if channels == 3:
        picture = torch.cat([picture, torch.ones_like(picture[:1])])
    while factor > 1:
        picture = _in_range(_twice(model, _in_range(picture), tile_px))
        factor //= UPSCALING
    return picture[:channels]


def _twice(
    model: Upscaler, picture: Float[Tensor, "4 h w"], tile_px: int
) -> Float[Tensor, "4 y x"]:
    """Tile by tile; beyond its edges the picture goes on with the pixels at its edges."""
    height, width = picture.shape[1:]
    halo, made = model.halo_px, picture.new_empty(4, UPSCALING * height, UPSCALING * width)
    around = (halo, halo + width % FOLD, halo, halo + height % FOLD)
    padded = F.pad(picture[None], around, mode="replicate")
    own = slice(UPSCALING * halo, -UPSCALING * halo)
    for top in range(0, height, tile_px):
        for left in range(0, width, tile_px):
            rows = slice(top, top + tile_px + 2 * halo)
            columns = slice(left, left + tile_px + 2 * halo)
            tile = model(padded[:, :, rows, columns].contiguous())[0, :, own, own]
            y, x = UPSCALING * top, UPSCALING * left
            into = made[:, y : y + tile.shape[1], x : x + tile.shape[2]]
            into.copy_(tile[:, : into.shape[1], : into.shape[2]])
    return made


def _in_range(picture: Float[Tensor, "4 h w"]) -> Float[Tensor, "4 h w"]:
    """Alpha in [-1, 1] and no premultiplied colour brighter than it."""
    alpha = picture[3:].clamp(-1, 1)
    return torch.cat([picture[:3].clamp(min=-1).minimum(alpha), alpha])
