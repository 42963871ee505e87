"""Opening video and audio with FFmpeg, safely: a known format, local files only, one error."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import InputError
from common.media.sources import FileKind

if TYPE_CHECKING:
    from av.container import InputContainer

_DEMUXERS: dict[FileKind, str] = {
    "mp4": "mp4", "matroska": "matroska", "avi": "avi", "flv": "flv", "asf": "asf",
    "mpegts": "mpegts", "mpegps": "mpeg", "ogg": "ogg", "gif": "gif",
    "wav": "wav", "flac": "flac", "mp3": "mp3", "aac": "aac",
}  # fmt: skip
_LOCAL_ONLY = {"protocol_whitelist": "file"}


@contextmanager
def opened(path: Path, kind: FileKind) -> Iterator["InputContainer"]:
    """Open a file as the format that its first bytes show.

    Raises:
        InputError: FFmpeg cannot read it, on opening or within the block.
    """
    import av

    if kind not in _DEMUXERS:
        shown = "of no known format" if kind == "unknown" else f"a {kind.upper()} file"
        raise InputError(f"{path}: is {shown}; MP4, MOV, WebM, MKV, AVI, WebP and GIF are read")
    with (
        explained_read_errors(path),
        # An absolute name: a colon in a relative one would be taken for a protocol.
        av.open(
            str(path.absolute()),
            format=_DEMUXERS[kind],
            options=_LOCAL_ONLY,
            metadata_errors="replace",
        ) as container,
    ):
        yield container


@contextmanager
def explained_read_errors(path: Path) -> Iterator[None]:
    """Turn FFmpeg's errors of a block that reads ``path`` into one that names the file."""
    import av

    try:
        yield
    except av.FFmpegError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: is damaged or cut off ({reason.rstrip('.').lower()})") from error
