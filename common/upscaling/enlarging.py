"""The switch of the apps that draw: their pictures as drawn, or enlarged by the upscaler."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from common.embedded.upscaler import Upscaler
from common.errors import InputError
from common.shapes import Images
from common.upscaling.upscaled import TILE_PX, upscaled
from common.zoo.models import ZOO, load_upscaler
from common.zoo.storage import read_manifest

MAX_PIXELS = 2**26
"""Of an enlarged picture: 8192 x 8192."""
_FEATURES_PER_PIXEL = 250
"""Numbers alive for each pixel of a tile."""
_COPIES = 12
"""Float32 copies of an enlarged picture's four channels alive at the peak, halved in size once."""


@dataclass(frozen=True, eq=False)
class Enlarging:
    """What happens to pictures between decoding and files."""

    factor: int
    """1 leaves them as they are."""
    model: Upscaler | None
    """Needed for every other factor."""
    tile_px: int = TILE_PX

    def of(self, pictures: Images) -> Float[Tensor, "b c y x"]:
        """Pictures in [-1, 1], enlarged; in range if they are."""
        if self.model is None:
            return pictures
        return upscaled(self.model, pictures.float(), self.factor, self.tile_px)


def load_enlarging(
    factor: int, device: str, folder: Path = ZOO, tile_px: int = TILE_PX
) -> Enlarging:
    """Read the upscaler, if it is needed.

    Raises:
        InputError: the folder has none, or a damaged one.
    """
    model = None if factor == 1 else load_upscaler(folder, device).model
    return Enlarging(factor, model, tile_px)


def check_enlarging(factor: int, size: tuple[int, ...], folder: Path = ZOO) -> None:
    """Refuse, before anything is drawn, what cannot be enlarged.

    Args:
        factor: 1 is never refused.
        size: of the pictures, height and width last.
        folder: where the upscaler is.

    Raises:
        InputError: there is no upscaler, or the result has more than 2^26 pixels.
    """
    if factor == 1:
        return
    read_manifest(folder, "upscaler")
    height, width = factor * size[-2], factor * size[-1]
    if height * width > MAX_PIXELS:
        raise InputError(
            f"{size[-1]}x{size[-2]} pixels upscaled by {factor} are {width}x{height}, "
            f"{height * width:,} pixels; at most {MAX_PIXELS:,} are made"
        )


def enlarging_notes(factor: int, keeps: bool) -> list[str]:
    """What a user should hear who keeps pixels of a given picture, as inpainting does."""
    if factor == 1 or not keeps:
        return []
    return [
        "export.upscale enlarges the pixels that stay too: they are not the given ones any more"
    ]


def enlarging_bytes(factor: int, size: tuple[int, ...], tile_px: int = TILE_PX) -> int:
    """Memory that enlarging a picture, or the frames of a part of a clip, takes."""
    if factor == 1:
        return 0
    tile = min(tile_px, max(size[-2:]) * max(factor // 2, 1)) ** 2
    return 4 * (_FEATURES_PER_PIXEL * tile + 4 * _COPIES * factor**2 * prod(size))
