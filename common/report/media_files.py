"""The media of a report: checked, measured, and either embedded or linked.

Every file is opened here, so that a report never shows a broken picture: what is missing, empty,
corrupted or of an unknown kind is an ``InputError``. Files are embedded until the size budget is
spent; assets come first, because browsers let no page read a 3-D file beside it.
"""

import base64
import io
import os
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from common.errors import InputError
from common.media.sources import FileKind, file_kind
from common.report.asset_check import check_glb

Kind = Literal["video", "image", "asset"]

KINDS: dict[FileKind, tuple[Kind, str]] = {
    "mp4": ("video", "video/mp4"),
    "matroska": ("video", "video/webm"),
    "webp": ("image", "image/webp"),
    "gif": ("image", "image/gif"),
    "png": ("image", "image/png"),
    "jpeg": ("image", "image/jpeg"),
    "glb": ("asset", "model/gltf-binary"),
}
"""What browsers show, judged by the first bytes of a file."""
POSTER_WIDTH = 480
"""Posters stand in for clips before they load and on paper, so they need no full resolution."""


@dataclass(frozen=True)
class MediaFile:
    """One file of a report.

    ``key`` names it within the page, ``link`` is its URL relative to the page, ``poster`` a data
    URL of a clip's first frame. Sizes are in pixels; ``fps`` and ``duration_s`` are those of clips,
    and ``num_frames`` is more than 1 for animated pictures.
    """

    key: str
    path: Path
    link: str
    name: str
    kind: Kind
    mime: str
    size_bytes: int
    width: int = 0
    height: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    num_frames: int = 1
    poster: str = ""
    embedded: bool = True


MediaPlan = dict[Path, MediaFile]
"""The files of a report by the path that its content names."""


def plan_media(paths: Iterable[Path], folder: Path, budget_bytes: int) -> MediaPlan:
    """Open every file and decide which are embedded.

    Args:
        paths: files, relative to ``folder`` or absolute; repeated ones are embedded once.
        folder: the folder of the page.
        budget_bytes: the sum of the sizes of embedded files. A file that does not fit any more is
            linked, later and smaller ones may still fit.

    Raises:
        InputError: a file is missing, empty, corrupted or of an unknown kind.
    """
    measured: dict[Path, MediaFile] = {}
    for path in dict.fromkeys(paths):
        full = (folder / path).absolute()
        known = next((file for file in measured.values() if file.path == full), None)
        measured[path] = known or _measure(full, folder, key=f"media-{len(measured) + 1}")
    embedded: set[str] = set()
    left = budget_bytes
    for file in sorted(measured.values(), key=lambda file: file.kind != "asset"):
        if file.key not in embedded and file.size_bytes <= left:
            embedded.add(file.key)
            left -= file.size_bytes
    return {path: replace(file, embedded=file.key in embedded) for path, file in measured.items()}


def data_url(mime: str, data: bytes) -> str:
    """Bytes as a URL that needs no file."""
    return f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"


def _measure(path: Path, folder: Path, key: str) -> MediaFile:
    found = file_kind(path)
    if found not in KINDS:
        known = ", ".join(KINDS)
        raise InputError(f"{path}: a report cannot show this kind of file; it shows {known}")
    kind, mime = KINDS[found]
    relative = Path(os.path.relpath(path, folder.absolute())).as_posix()
    link = urllib.parse.quote(relative, safe="/", errors="surrogateescape")
    file = MediaFile(key, path, link, relative, kind, mime, path.stat().st_size)
    if kind == "asset":
        check_glb(path)
        return file
    return _measure_video(file) if kind == "video" else _measure_image(file)


def _measure_image(file: MediaFile) -> MediaFile:
    from PIL import Image

    try:
        with Image.open(file.path) as picture:
            picture.load()
            num_frames = getattr(picture, "n_frames", 1)
            return replace(file, width=picture.width, height=picture.height, num_frames=num_frames)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{file.path}: not a readable picture ({error})") from error


def _measure_video(file: MediaFile) -> MediaFile:
    from common.media.pyav_reader import pyav_frames
    from common.media.video_probe import probe

    info = probe(file.path)
    first = next(pyav_frames(info))
    return replace(
        file,
        width=info.width,
        height=info.height,
        fps=info.fps,
        duration_s=info.duration_s,
        poster=_poster_url(first),
    )


def _poster_url(frame: UInt8[np.ndarray, "h w c"]) -> str:
    from PIL import Image

    poster = Image.fromarray(frame)
    poster.thumbnail((POSTER_WIDTH, 4 * POSTER_WIDTH))
    encoded = io.BytesIO()
    poster.save(encoded, format="WEBP", quality=80, method=4)
    return data_url("image/webp", encoded.getvalue())
