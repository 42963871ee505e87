"""Writing a clip in every format that was asked for."""

import shutil
from pathlib import Path

from common.errors import InputError
from common.media.clips import write_clip
from common.media.gif_write import MAX_GIF_FPS
from common.media.pixels import composite
from common.media.provenance import Provenance
from common.shapes import Frames
from video.config import VideoExport


def check_export(export: VideoExport) -> None:
    """Refuse what a format cannot hold, before the clip is made."""
    if "gif" in export.formats and export.fps > MAX_GIF_FPS:
        raise InputError(
            f"export.fps {export.fps:g} is too fast for gif, which browsers show at most at "
            f"{MAX_GIF_FPS}; leave gif out of export.formats or lower export.fps"
        )


def write_formats(
    folder: Path, stem: str, frames: Frames, export: VideoExport, provenance: Provenance | None
) -> list[Path]:
    """Write ``frames`` as ``<stem>.<format>`` for each format; returns the paths in that order.

    Formats without transparency get the clip laid over ``export.background``. ``png`` is a folder
    of pictures, ``<stem>_frames``; its first picture stands for it.
    """
    opaque = composite(frames, export.background) if frames.shape[-1] == 4 else frames
    paths = []
    for kind in export.formats:
        path = folder / (f"{stem}_frames" if kind == "png" else f"{stem}.{kind}")
        if kind == "png":
            # A resumed run writes again what it does not know to be whole.
            shutil.rmtree(path, ignore_errors=True)
        shown = opaque if kind in ("mp4", "gif") else frames
        write_clip(path, shown, export.fps, provenance=provenance)
        paths.append(path / "00000.png" if kind == "png" else path)
    return paths
