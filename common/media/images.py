"""Reading and writing still pictures as uint8 RGB or straight RGBA, in sRGB, upright.

What readers do: palettes, grey, CMYK and 16 bit become 8-bit RGB (16-bit grey is rounded; 16-bit
colour keeps its upper 8 bits, as Pillow reads it); EXIF rotation is applied; a colour profile is
converted to sRGB; of an animation or a multi-page file the first picture is taken. Transparency is
kept where the file has it.
"""

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from common.errors import InputError
from common.media.completeness import check_whole
from common.media.provenance import Provenance
from common.media.provenance_tags import jpeg_segments, png_text, webp_xmp
from common.media.sources import FileKind, file_kind
from common.media.targets import explained_write_errors, written_whole
from common.media.webp_frames import webp_header
from common.shapes import Picture

if TYPE_CHECKING:
    from PIL import Image

MAX_PIXELS = 2**26
"""Largest picture that is read by default: 8192 x 8192."""
_KINDS: tuple[FileKind, ...] = ("png", "jpeg", "webp", "gif", "bmp", "tiff")
_RGB_MODES = ("1", "L", "P", "LA", "La", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
_GREY_16_MODES = ("I;16", "I;16L", "I;16B", "I;16N")
_SIXTEEN_TO_EIGHT = 257
"""65535 / 255."""
_JPEG_SUFFIXES = (".jpg", ".jpeg")


def read_picture(path: Path, *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read a PNG, JPEG, WebP, BMP, TIFF or GIF.

    Args:
        path: the file.
        max_pixels: refuse larger ones, before memory is spent on them.

    Raises:
        InputError: missing, empty, damaged, cut off, no picture, too large, floating-point or
            32-bit values, an unusable colour profile.
    """
    from PIL import Image

    kind = file_kind(path)
    if kind not in _KINDS:
        shown = "of no known format" if kind == "unknown" else f"a {kind.upper()} file"
        raise InputError(f"{path}: is {shown}; PNG, JPEG, WebP, BMP, TIFF and GIF are read")
    check_whole(path, kind)
    if kind == "webp":  # Pillow allocates its canvas on opening
        header = webp_header(path)
        _check_size(path, (header.width, header.height), max_pixels)
    try:
        with warnings.catch_warnings():
            # Pillow warns of size (checked below) and of harmless faults in EXIF.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=[kind.upper()]) as picture:
                _check_size(path, picture.size, max_pixels)
                return np.asarray(_upright_srgb(path, picture))
    except InputError:
        raise
    except Image.DecompressionBombError as error:
        raise InputError(f"{path}: has more than {max_pixels} pixels; scale it down") from error
    except Exception as error:  # Pillow's parsers raise nearly anything on damaged files
        raise InputError(f"{path}: is a damaged {kind.upper()} file ({error})") from error


def write_picture(
    path: Path, picture: Picture, *, provenance: Provenance | None = None, quality: int = 95
) -> None:
    """Write a PNG or WebP (both lossless), or a JPEG.

    Args:
        path: ends in ``.png``, ``.webp``, ``.jpg`` or ``.jpeg``.
        picture: RGB or straight RGBA.
        provenance: how it was made; None stores nothing.
        quality: of a JPEG, 1 to 100.

    Raises:
        InputError: another suffix, transparency in a JPEG, or an unwritable place.
    """
    from PIL import Image

    height, width, channels = picture.shape
    if channels not in (3, 4) or height * width == 0:
        raise InputError(f"{path}: a picture has 3 or 4 channels, this one is {picture.shape}")
    suffix = path.suffix.lower()
    if suffix in _JPEG_SUFFIXES and channels == 4:
        raise InputError(
            f"{path}: JPEG holds no transparency; lay the picture on a background, or write .png"
        )
    image = Image.fromarray(picture)
    with (
        written_whole(path, ".png", ".webp", *_JPEG_SUFFIXES) as partial,
        explained_write_errors(path),
    ):
        if suffix == ".png":
            image.save(partial, pnginfo=png_text(provenance))
        elif suffix == ".webp":
            # exact: keep the colours of transparent pixels too.
            image.save(partial, lossless=True, exact=True, xmp=webp_xmp(provenance))
        else:
            image.save(partial, quality=quality, subsampling=0, extra=jpeg_segments(provenance))


def _check_size(path: Path, size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise InputError(
            f"{path}: is {width}x{height}, {width * height} pixels; at most {max_pixels} are read. "
            "Scale it down first"
        )


def _upright_srgb(path: Path, picture: "Image.Image") -> "Image.Image":
    from PIL import ImageOps

    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode in _GREY_16_MODES:
        upright = _eight_bit(upright)
    if upright.mode not in _RGB_MODES:
        raise InputError(
            f"{path}: its pixels are of kind '{upright.mode}', whose range is not known; save it "
            "as 8-bit or 16-bit RGB"
        )
    if profile:
        upright = _in_srgb(path, upright, profile)
    return upright.convert("RGBA" if upright.has_transparency_data else "RGB")


def _eight_bit(picture: "Image.Image") -> "Image.Image":
    """16-bit grey, rounded. Pillow's own conversion clips everything above 255 to white."""
    from PIL import Image

    values = np.asarray(picture).astype(np.float32)
    grey = Image.fromarray(np.rint(values / _SIXTEEN_TO_EIGHT).astype(np.uint8))
    hidden = picture.info.get("transparency")
    if hidden is None:
        return grey
    alpha = Image.fromarray(np.where(values == hidden, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, alpha))


def _in_srgb(path: Path, picture: "Image.Image", profile: bytes) -> "Image.Image":
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if ImageCms.getProfileDescription(source).strip().startswith("sRGB"):
            return picture
        space = source.profile.xcolor_space.strip()
        transparent = picture.has_transparency_data
        if space == "CMYK":
            source_mode, mode = "CMYK", "RGB"
        elif space == "GRAY" and not transparent:
            source_mode, mode = "L", "RGB"
        else:
            source_mode = mode = "RGBA" if transparent else "RGB"
        converted = ImageCms.profileToProfile(
            picture.convert(source_mode), source, ImageCms.createProfile("sRGB"), outputMode=mode
        )
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise InputError(
            f"{path}: its colour profile cannot be used ({error}); save it without one"
        ) from error
    assert converted is not None  # None only when converting in place
    return converted
