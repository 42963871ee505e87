"""Animated WebP: its header, read from the chunks, and its frames, decoded by Pillow.

FFmpeg decodes no animated WebP. The header is read here, because opening a WebP in Pillow
allocates its canvas: sizes must be known before.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from common.errors import InputError

_ALPHA_FLAG = 0x10


@dataclass(frozen=True)
class WebpHeader:
    """What the chunks of a WebP say. A still picture has one frame of 0 ms."""

    width: int
    height: int
    has_alpha: bool
    durations_ms: tuple[int, ...]


def webp_header(path: Path) -> WebpHeader:
    """Read the header of a still or animated WebP (WebP container specification).

    Raises:
        InputError: damaged.
    """
    size: tuple[int, int, bool] | None = None
    durations: list[int] = []
    total = path.stat().st_size
    with path.open("rb") as file:
        offset = 12
        while offset + 8 <= total:
            file.seek(offset)
            chunk, length = struct.unpack("<4sI", file.read(8))
            body = file.read(min(length, 16))
            try:
                size = size or _canvas(chunk, body)
                if chunk == b"ANMF":
                    durations.append(_uint24(body, 12))
            except (struct.error, IndexError) as error:
                raise InputError(f"{path}: is a damaged WebP file") from error
            offset += 8 + length + length % 2
    if size is None:
        raise InputError(f"{path}: is a damaged WebP file: it states no size")
    return WebpHeader(*size, durations_ms=tuple(durations) or (0,))


def webp_frames(path: Path, has_alpha: bool) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    """All frames in order, as shown: each on the canvas that the ones before it left.

    Raises:
        InputError: damaged.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=["WEBP"]) as picture:
            for index in range(getattr(picture, "n_frames", 1)):
                picture.seek(index)
                yield np.asarray(picture.convert("RGBA" if has_alpha else "RGB"))
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise InputError(f"{path}: is a damaged WebP file ({error})") from error


def _canvas(chunk: bytes, body: bytes) -> tuple[int, int, bool] | None:
    if chunk == b"VP8X":
        return _uint24(body, 4) + 1, _uint24(body, 7) + 1, bool(body[0] & _ALPHA_FLAG)
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF, False
    return None


def _uint24(body: bytes, offset: int) -> int:
    return body[offset] | body[offset + 1] << 8 | body[offset + 2] << 16
