"""One door to all clip formats: the suffix chooses."""

from pathlib import Path
from typing import get_args

from common.errors import InputError
from common.media.animation_write import write_png_frames, write_webp
from common.media.audio import Audio
from common.media.frame_rates import Fps
from common.media.gif_write import write_gif
from common.media.provenance import Provenance
from common.media.video_encoding import VideoFormat
from common.media.video_write import write_video
from common.shapes import Frames

CLIP_SUFFIXES = (".mp4", ".webm", ".webp", ".gif", "")
"""What ``write_clip`` writes; without a suffix, a folder of PNG pictures."""


def write_clip(
    path: Path,
    frames: Frames,
    fps: Fps,
    *,
    audio: Audio | None = None,
    provenance: Provenance | None = None,
) -> None:
    """Write a clip as the format that ``path`` ends in, at that format's default quality.

    Args:
        path: ends in ``.mp4``, ``.webm``, ``.webp`` or ``.gif``; without a suffix it is a new
            folder of PNG pictures.
        frames: RGB, or straight RGBA for WebM, WebP and PNG.
        fps: frames/s.
        audio: sound as long as the clip; MP4 and WebM only.
        provenance: how it was made; None stores nothing.

    Raises:
        InputError: another suffix, sound in a silent format, or what the format's writer refuses.
    """
    suffix = path.suffix.lower()
    if suffix not in CLIP_SUFFIXES:
        raise InputError(f"{path}: clips end in {' '.join(CLIP_SUFFIXES)}or have no suffix (PNG)")
    if suffix[1:] in get_args(VideoFormat):
        write_video(path, frames, fps, audio=audio, provenance=provenance)
        return
    if audio is not None:
        raise InputError(f"{path}: only .mp4 and .webm hold sound")
    if suffix == ".webp":
        write_webp(path, frames, fps, provenance=provenance)
    elif suffix == ".gif":
        write_gif(path, frames, fps, provenance=provenance)
    else:
        write_png_frames(path, frames, provenance=provenance)
