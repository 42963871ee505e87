"""Writing clips as animated WebP and as a folder of PNG pictures. GIF: ``gif_write``."""

from pathlib import Path

from common.errors import InputError
from common.media.frame_rates import Fps, as_rate, whole_ticks
from common.media.provenance import Provenance
from common.media.provenance_tags import png_text, webp_xmp
from common.media.targets import explained_write_errors, written_whole
from common.shapes import Frames

_LARGEST_WEBP_SIDE = 16_383
_WEBP_TICKS_PER_S = 1000
_WEBP_FLAGS, _WEBP_ALPHA = 20, 0x10
"""Where an extended WebP's flags are, after the heads of RIFF and VP8X, and the one that says that
it is seen through (WebP Container Specification)."""


def write_webp(
    path: Path,
    frames: Frames,
    fps: Fps,
    *,
    quality: int | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write an animated WebP that loops, with transparency where the frames have it.

    Every frame starts within half a millisecond of its time. Equal neighbours are stored as one
    longer frame. Colours of fully transparent pixels are not kept.

    Args:
        path: ends in ``.webp``.
        frames: the whole clip.
        fps: frames/s.
        quality: None is lossless, 0 to 100 is lossy, larger is better. Transparency is lossless.
        provenance: how it was made; None stores nothing.

    Raises:
        InputError: no frames, too large, or an unwritable place.
    """
    from PIL import Image

    _check_frames(path, frames)
    if max(frames.shape[1:3]) > _LARGEST_WEBP_SIDE:
        size = f"{frames.shape[2]}x{frames.shape[1]}"
        raise InputError(
            f"{path}: WebP holds at most {_LARGEST_WEBP_SIDE} pixels a side, not {size}"
        )
    if quality is not None and not 0 <= quality <= 100:
        raise InputError(f"quality must be from 0 to 100, not {quality}")
    pictures = [Image.fromarray(frame) for frame in frames]
    durations = whole_ticks(len(frames), as_rate(fps), _WEBP_TICKS_PER_S)
    with written_whole(path, ".webp") as partial, explained_write_errors(path):
        pictures[0].save(
            partial,
            format="WEBP",
            save_all=True,
            append_images=pictures[1:],
            duration=durations,
            loop=0,
            lossless=quality is None,
            quality=100 if quality is None else quality,
            method=4,
            xmp=webp_xmp(provenance),
        )
        if frames.shape[3] == 4 and frames[..., 3].min() < 255:
            _mark_transparent(partial)


def _mark_transparent(path: Path) -> None:
    """Set the flag of transparency.

    libwebp stores of each frame the rectangle that changed. Where all of these are opaque, it
    leaves the flag out, and what lies around them is read as opaque black.
    """
    with path.open("r+b") as file:
        head = file.read(_WEBP_FLAGS + 1)
        if head[12:16] == b"VP8X":
            file.seek(_WEBP_FLAGS)
            file.write(bytes([head[_WEBP_FLAGS] | _WEBP_ALPHA]))


def write_png_frames(
    folder: Path, frames: Frames, *, provenance: Provenance | None = None
) -> list[Path]:
    """Write ``00000.png``, ``00001.png``, ... into a new folder, which appears whole.

    Args:
        folder: must not exist yet.
        frames: the clip, RGB or RGBA.
        provenance: how it was made, in each picture; None stores nothing.

    Returns:
        The pictures' paths in order.

    Raises:
        InputError: no frames, the folder exists, or an unwritable place.
    """
    from PIL import Image

    _check_frames(folder, frames)
    if folder.exists():
        raise InputError(f"{folder}: exists already; name a new folder for the frames")
    names = [f"{index:05d}.png" for index in range(len(frames))]
    with written_whole(folder) as partial, explained_write_errors(folder):
        partial.mkdir()
        for name, frame in zip(names, frames, strict=True):
            Image.fromarray(frame).save(partial / name, pnginfo=png_text(provenance))
    return [folder / name for name in names]


def _check_frames(path: Path, frames: Frames) -> None:
    if frames.size == 0 or frames.shape[3] not in (3, 4):
        raise InputError(
            f"{path}: a clip needs frames of 3 (RGB) or 4 (RGBA) channels, not {frames.shape}"
        )
