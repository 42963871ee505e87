"""Writing a clip in every format that was asked for."""

import shutil
from pathlib import Path

from common.errors import InputError
from common.media.animation_write import write_png_frames, write_webp
from common.media.gif_write import MAX_GIF_FPS, write_gif
from common.media.pixels import composite
from common.media.provenance import Provenance
from common.media.video_write import write_video
from common.shapes import Frames
from video.config import VideoExport


def check_export(export: VideoExport) -> None:
    """Refuse what a format cannot hold, before the clip is made."""
    if "gif" in export.formats and export.fps > MAX_GIF_FPS:
        raise InputError(
            f"export.fps {export.fps:g} is too fast for gif, which browsers show at most at "
            f"{MAX_GIF_FPS}; leave gif out of export.formats or lower export.fps"
        )


def write_clip(
    folder: Path, stem: str, frames: Frames, export: VideoExport, provenance: Provenance | None
) -> list[Path]:
    """Write ``frames`` as ``<stem>.<format>`` for each format; returns the paths in that order.

    Formats without transparency get the clip laid over ``export.background``. ``png`` is a folder
    of pictures, ``<stem>_frames``; its first picture stands for it.
    """
    opaque = composite(frames, export.background) if frames.shape[-1] == 4 else frames
    paths = []
    for kind in export.formats:
        path = folder / f"{stem}.{kind}"
        match kind:
            case "mp4" | "webm":
                shown = opaque if kind == "mp4" else frames
                write_video(path, shown, export.fps, provenance=provenance)
            case "webp":
                write_webp(path, frames, export.fps, provenance=provenance)
            case "gif":
                write_gif(path, opaque, export.fps, provenance=provenance)
            case "png":
                pictures = folder / f"{stem}_frames"
                # A resumed run writes again what it does not know to be whole.
                shutil.rmtree(pictures, ignore_errors=True)
                path = write_png_frames(pictures, frames, provenance=provenance)[0]
        paths.append(path)
    return paths
