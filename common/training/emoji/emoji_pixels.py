"""From WebP files to small premultiplied RGBA pictures.

Pictures are reduced with an area filter on *premultiplied, gamma-coded* (sRGB) values.
Premultiplied, because averaging straight colours pulls in whatever hides under transparent pixels;
gamma-coded, because everything downstream composites gamma-coded values (as browsers and video do),
and only then is a reduced picture on a background the same as the reduced composite. Linear light
would be truer for fine bright detail, but breaks that equality, which the RGBA autoencoder needs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, UnidentifiedImageError

from common.errors import InputError
from common.training.emoji.emoji_codepoints import emoji_key, has_skin_tone

Premultiplied = UInt8[np.ndarray, "h w 4"]
"""One picture with premultiplied alpha: no colour value exceeds its alpha."""

MAX_SIDE_PX = 512
MAX_FRAMES = 240


def emoji_files(folder: Path) -> dict[str, Path]:
    """The WebP file of every base emoji under ``folder/assets``, by key, in key order.

    Skin-tone variants are left out. Where one emoji has several files (keycaps do), the longest
    name is taken, which is the fully qualified sequence; the pictures look the same.

    Raises:
        InputError: there is no such file, or a name that spells no emoji.
    """
    chosen: dict[str, Path] = {}
    for path in sorted((folder / "assets").glob("*.webp"), key=lambda p: (len(p.stem), p.stem)):
        try:
            key = emoji_key(path.stem)
        except ValueError as unspelled:
            raise InputError(f"{path}: {unspelled}") from unspelled
        if not has_skin_tone(key):
            chosen[key] = path
    if not chosen:
        raise InputError(f"{folder / 'assets'} holds no WebP files of emoji.")
    return dict(sorted(chosen.items()))


def count_frames(path: Path) -> int:
    """The number of frames of a WebP file: 1 for a still."""
    with _decoding(path) as picture:
        return _num_frames(picture)


def read_still(path: Path, sizes_px: tuple[int, ...]) -> list[Premultiplied]:
    """The (first frame of the) picture at each of ``sizes_px``, squared and premultiplied."""
    with _decoding(path) as picture:
        full = _premultiplied_square(picture)
    return [_reduced(full, size_px) for size_px in sizes_px]


def read_frames(path: Path, size_px: int) -> Iterator[tuple[Premultiplied, int]]:
    """The frames of an animation in order, composed, with their durations in milliseconds."""
    with _decoding(path) as picture:
        for index in range(_num_frames(picture)):
            picture.seek(index)
            square = _premultiplied_square(picture)
            yield _reduced(square, size_px), int(picture.info["duration"])


@contextmanager
def _decoding(path: Path) -> Iterator[Image.Image]:
    """An open WebP file, its sizes checked before any pixel is decoded.

    Raises:
        InputError: it is larger than expected, or damaged anywhere that is read.
    """
    try:
        with Image.open(path, formats=("WEBP",)) as picture:
            if max(picture.size) > MAX_SIDE_PX or _num_frames(picture) > MAX_FRAMES:
                raise InputError(
                    f"{path} has {picture.width}x{picture.height} px and {_num_frames(picture)} "
                    f"frames; at most {MAX_SIDE_PX} px and {MAX_FRAMES} frames are expected."
                )
            yield picture
    except (UnidentifiedImageError, OSError, EOFError) as broken:
        raise InputError(f"{path} is no readable WebP picture: {broken}") from broken


def _num_frames(picture: Image.Image) -> int:
    return int(getattr(picture, "n_frames", 1))


def _premultiplied_square(picture: Image.Image) -> Image.Image:
    """Premultiply, and pad the shorter side with transparency, evenly."""
    pixels = picture.convert("RGBA").convert("RGBa")
    side = max(pixels.size)
    if pixels.size == (side, side):
        return pixels
    square = Image.new("RGBa", (side, side))
    square.paste(pixels, ((side - pixels.width) // 2, (side - pixels.height) // 2))
    return square


def _reduced(pixels: Image.Image, size_px: int) -> Premultiplied:
    """Average over areas down to ``size_px``; the stills of this set are never enlarged."""
    if size_px > pixels.width:
        raise InputError(f"size {size_px} px is above the {pixels.width} px of the source")
    reduced = pixels.resize((size_px, size_px), Image.Resampling.BOX)
    return np.asarray(reduced, dtype=np.uint8)
