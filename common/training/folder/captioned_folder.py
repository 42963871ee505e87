"""A user's folder of pictures to learn from, each with a caption.

A caption stands in ``name.txt`` beside ``name.png``, or in ``metadata.jsonl`` as diffusers' and
Hugging Face's image folders have it: a line of JSON for each picture, with ``file_name`` and
``text``. One caption may also be given for all.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import InputError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
METADATA = "metadata.jsonl"
MAX_CAPTION_BYTES = 10_000
MAX_METADATA_BYTES = 64 * 2**20
_KEYS = ("text", "caption", "prompt")
_SHOWN = 3


@dataclass(frozen=True)
class CaptionedPicture:
    """A picture's file, and what it shows."""

    path: Path
    caption: str


def read_folder(folder: Path, caption: str | None = None) -> list[CaptionedPicture]:
    """The pictures of a folder by name; they are not opened yet.

    Args:
        folder: with pictures, and captions unless one is given.
        caption: of all pictures; captions in the folder are then not read.

    Raises:
        InputError: there is no such folder, it has no pictures, some have no caption or two, or
            captions are empty or unreadable.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder of training pictures")
    told = {} if caption is not None else _told(folder)
    beside = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and path.is_file() and not path.name.startswith(".")
    )
    pictures = list(dict.fromkeys([*beside, *told]))
    if not pictures:
        raise InputError(
            f"{folder} has no pictures: training reads {', '.join(SUFFIXES)} files in it"
        )
    if caption is not None:
        return [CaptionedPicture(path, caption.strip()) for path in pictures]
    found = {path: _caption(path, told) for path in pictures}
    lost = [path for path, text in found.items() if text is None]
    if lost:
        raise InputError(
            f"{folder}: {len(lost)} of {len(found)} pictures have no caption ({_some(lost)}): "
            f"write {lost[0].stem}.txt beside {lost[0].name}, or a line "
            f'{{"file_name": "{lost[0].name}", "text": "..."}} in {METADATA}, or set '
            "method.caption for all of them"
        )
    return [CaptionedPicture(path, text) for path, text in found.items() if text is not None]


def _caption(path: Path, told: dict[Path, str]) -> str | None:
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        return told.get(path)
    if path in told:
        raise InputError(f"{path} has two captions: one in {METADATA}, one in {beside.name}")
    if beside.stat().st_size > MAX_CAPTION_BYTES:
        raise InputError(f"{beside} has more than {MAX_CAPTION_BYTES:,} bytes: no caption")
    try:
        return _said(f"{beside}", beside.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as broken:
        raise InputError(f"{beside} cannot be read as UTF-8 text: {broken}") from None


def _said(where: str, text: str) -> str:
    if not text.strip():
        raise InputError(f"{where}: the caption is empty")
    return " ".join(text.split())


def _told(folder: Path) -> dict[Path, str]:
    """Captions of ``metadata.jsonl``, if there is one."""
    path = folder / METADATA
    if not path.is_file():
        return {}
    if path.stat().st_size > MAX_METADATA_BYTES:
        raise InputError(f"{path} has more than {MAX_METADATA_BYTES:,} bytes")
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as broken:
        raise InputError(f"{path} cannot be read as UTF-8 text: {broken}") from None
    found: dict[Path, str] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip():
            picture, text = _row(folder, f"{path}:{number}", line)
            if picture in found:
                raise InputError(f"{path}:{number}: {picture.name} has a caption already")
            found[picture] = text
    return found


def _row(folder: Path, where: str, line: str) -> tuple[Path, str]:
    try:
        row = json.loads(line)
    except ValueError as broken:
        raise InputError(f"{where}: is no JSON: {broken}") from None
    name = row.get("file_name") if isinstance(row, dict) else None
    text = next((row[key] for key in _KEYS if key in row), None) if name else None
    if not isinstance(name, str) or not isinstance(text, str):
        raise InputError(f"{where}: needs the keys file_name and text, both of them words")
    picture = folder / name
    if not picture.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{where}: {name} is outside of the folder")
    if not picture.is_file() or picture.suffix.lower() not in SUFFIXES:
        raise InputError(f"{where}: {name} is no picture in {folder}")
    return picture, _said(where, text)


def _some(paths: Sequence[Path]) -> str:
    more = ", ..." if len(paths) > _SHOWN else ""
    return ", ".join(path.name for path in paths[:_SHOWN]) + more
