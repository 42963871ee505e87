"""Writing a clip in every format that was asked for, while it is being decoded."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from common.errors import InputError
from common.media.audio import Audio
from common.media.clips import write_clip
from common.media.gif_write import MAX_GIF_FPS
from common.media.pixels import composite
from common.media.provenance import Provenance
from common.media.video_write import VideoWriter, video_writer
from common.shapes import Frames
from video.config import Format, VideoExport

STREAMED: tuple[Format, ...] = ("mp4", "webm")
"""Formats that are written frame by frame; of the others, all frames are held until the end."""


def check_export(export: VideoExport) -> None:
    """Refuse what a format cannot hold, before the clip is made."""
    if "gif" in export.formats and export.shown_fps > MAX_GIF_FPS:
        key = "fps" if export.target_fps is None else "target_fps"
        raise InputError(
            f"export.{key} {export.shown_fps:g} is too fast for gif, which browsers show at most "
            f"at {MAX_GIF_FPS}; leave gif out of export.formats or lower export.{key}"
        )


@dataclass
class ClipFiles:
    """A clip's files, being written."""

    paths: list[Path]
    """In the order of `export.formats`; a folder of pictures is stood for by its first."""
    background: str
    streams: dict[Format, VideoWriter] = field(default_factory=dict)
    held: list[Frames] | None = None

    def write(self, frames: Frames) -> None:
        """Append frames, laid over the background where a format has no transparency."""
        if "mp4" in self.streams:
            self.streams["mp4"].write(opaque(frames, self.background))
        if "webm" in self.streams:
            self.streams["webm"].write(frames)
        if self.held is not None:
            self.held.append(frames)


@contextmanager
def clip_files(
    folder: Path,
    stem: str,
    export: VideoExport,
    provenance: Provenance | None,
    audio: Audio | None = None,
) -> Iterator[ClipFiles]:
    """Write ``<stem>.<format>`` for each format, by chunks; they appear when the block ends well.

    ``png`` is a folder of pictures, ``<stem>_frames``; its first picture stands for it. Sound, as
    long as the clip, is in the formats that are streamed.
    """
    targets = {
        kind: folder / (f"{stem}_frames" if kind == "png" else f"{stem}.{kind}")
        for kind in export.formats
    }
    shown = [path / "00000.png" if kind == "png" else path for kind, path in targets.items()]
    files = ClipFiles(shown, export.background)
    whole = [kind for kind in targets if kind not in STREAMED]
    files.held = [] if whole else None
    with ExitStack() as stack:
        for kind, path in targets.items():
            if kind in STREAMED:
                opened = video_writer(path, export.shown_fps, audio=audio, provenance=provenance)
                files.streams[kind] = stack.enter_context(opened)
        yield files
        for kind in whole:
            assert files.held is not None
            _write_whole(kind, targets[kind], np.concatenate(files.held), export, provenance)


def _write_whole(
    kind: Format, path: Path, frames: Frames, export: VideoExport, provenance: Provenance | None
) -> None:
    if kind == "png":
        # A resumed run writes again what it does not know to be whole.
        shutil.rmtree(path, ignore_errors=True)
    shown = opaque(frames, export.background) if kind == "gif" else frames
    write_clip(path, shown, export.shown_fps, provenance=provenance)


def opaque(frames: Frames, background: str) -> UInt8[np.ndarray, "f h w 3"]:
    """Frames over a colour, where they have transparency."""
    return composite(frames, background) if frames.shape[-1] == 4 else frames
