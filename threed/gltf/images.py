"""Pictures inside glTF files: their headers cheaply, their pixels within bounds."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.errors import InputError
from threed.gltf.document import Entry, GltfFile, child, data_uri_bytes

MAX_PIXELS = 8192 * 8192
FORMATS = ("PNG", "JPEG", "WEBP")
"""glTF's own two, and that of EXT_texture_webp."""


@dataclass(frozen=True)
class ImageHeader:
    """What a picture says of itself."""

    format: str
    width: int
    height: int
    mode: str
    """Pillow's name of the channels, such as ``RGB``."""


def image_header(file: GltfFile, index: int) -> ImageHeader:
    """Format and size of a picture, without decoding it.

    Raises:
        InputError: no picture of a kind that glTF knows.
    """
    with _opened(file, index) as picture:
        return ImageHeader(picture.format or "", picture.width, picture.height, picture.mode)


def image_rgba(file: GltfFile, index: int) -> NDArray[np.uint8]:
    """The pixels of a picture, ``h w 4``, as stored (sRGB-encoded for colours).

    Raises:
        InputError: no picture of a kind that glTF knows, damaged, or more than 67 million pixels.
    """
    with _opened(file, index) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise InputError(
                f"images[{index}] has {picture.width} x {picture.height} pixels; "
                f"at most {MAX_PIXELS:,} are read"
            )
        try:
            return np.asarray(picture.convert("RGBA"))
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"images[{index}] is damaged: {error}") from error


def texture_image(file: GltfFile, texture: Entry, where: str) -> int | None:
    """The picture that a material's texture reference shows; None if only an extension has one.

    Raises:
        InputError: it refers to what is not there.
    """
    entry = file.entry("textures", texture.get("index"), where)
    extension = child(child(entry, "extensions"), "EXT_texture_webp")
    index = entry.get("source", extension.get("source"))
    if index is None:
        return None
    file.entry("images", index, where)
    return int(index)


def _opened(file: GltfFile, index: int) -> Image.Image:
    entry = file.entry("images", index, "a texture")
    if "uri" in entry:
        data = data_uri_bytes(str(entry["uri"]), f"images[{index}]")
    else:
        data = bytes(file.view_bytes(entry.get("bufferView"), f"images[{index}]"))
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"images[{index}] is no readable picture ({error})") from error
