"""Is a file all there? Judged by the sizes that its own structure states, without decoding.

Decoders fill in for missing data and say nothing, so a download that broke off would pass as a
shorter or smeared clip. Formats that state no sizes (MPEG streams, MP3) are left to their decoders.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from common.errors import InputError
from common.media.sources import FileKind

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_UNKNOWN_RIFF_SIZES = (0, 0xFFFFFFFF)
"""What programs write that cannot go back to fill in the size."""


def check_whole(path: Path, kind: FileKind) -> None:
    """Refuse a file that ends before its structure does.

    Raises:
        InputError: it is cut off, or its structure is damaged.
    """
    checks = {"mp4": _mp4_end, "matroska": _matroska_end, "gif": _gif_end}
    riff: tuple[FileKind, ...] = ("webp", "wav", "avi")
    check = _riff_end if kind in riff else checks.get(kind)
    if check is None:
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            stated = check(file, size)
        except (struct.error, IndexError):
            stated = size + 1
    if stated > size:
        raise InputError(f"{path}: is cut off or damaged: it ends at byte {size}, too early")


def _mp4_end(file: BinaryIO, size: int) -> int:
    """Walk the top-level boxes (ISO/IEC 14496-12, section 4.2)."""
    offset = 0
    while offset + 8 <= size:
        file.seek(offset)
        length, box = struct.unpack(">I4s", file.read(8))
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
        if length < 8:  # 0: the last box, open-ended. Others: padding after the last box
            break
        if not box.isascii():
            break
        offset += length
    return offset


def _matroska_end(file: BinaryIO, size: int) -> int:
    """End of the Segment, the element after the EBML header (RFC 8794, RFC 9559)."""
    header = _element(file, 0)
    segment = _element(file, header.end)
    if segment.name != _SEGMENT or segment.end > size:
        return size + 1
    if not segment.has_size:
        return size
    return segment.end if _is_tiled(file, segment) else size + 1


@dataclass(frozen=True)
class _Element:
    """An EBML element: where its content starts and where the next element does."""

    name: int
    start: int
    end: int
    has_size: bool
    """Live streams write "unknown"; ``end`` is then ``start``."""


def _element(file: BinaryIO, offset: int) -> _Element:
    file.seek(offset)
    name, _ = _number(file)
    length, has_size = _number(file, drop_marker=True)
    start = file.tell()
    return _Element(name, start, start + length if has_size else start, has_size)


def _number(file: BinaryIO, drop_marker: bool = False) -> tuple[int, bool]:
    """A variable-length number, and whether it is other than "unknown" (all bits set)."""
    first = file.read(1)[0]
    num_bytes = 9 - first.bit_length()
    rest = file.read(num_bytes - 1)
    if num_bytes > 8 or len(rest) < num_bytes - 1:
        raise IndexError("no such number")
    if drop_marker:
        first &= 0xFF >> num_bytes
    value = int.from_bytes(bytes([first]) + rest)
    return value, value != (1 << (7 * num_bytes)) - 1


def _is_tiled(file: BinaryIO, parent: _Element) -> bool:
    """Whether an element's children fill it exactly, and the clusters' children fill those.

    Decoders skip what they cannot make sense of: damage would look like frames held for longer.
    """
    offset = parent.start
    while offset < parent.end:
        child = _element(file, offset)
        if not child.has_size:
            return True
        if child.name == _CLUSTER and not _is_tiled(file, child):
            return False
        offset = child.end
    return offset == parent.end


def _riff_end(file: BinaryIO, size: int) -> int:
    """Walk the chunks of a RIFF file; the last may miss its padding byte."""
    offset = 12
    while offset + 8 <= size:
        file.seek(offset + 4)
        (length,) = struct.unpack("<I", file.read(4))
        if length in _UNKNOWN_RIFF_SIZES and offset + 8 + length > size:
            return size
        offset += 8 + length
        if offset > size:
            return offset
        offset += length % 2
    return min(offset, size) if offset > 12 else size + 1


def _gif_end(file: BinaryIO, size: int) -> int:
    """Walk the blocks up to the trailer (GIF89a specification)."""
    file.seek(10)
    flags = file.read(3)[0]
    file.seek(_color_table_bytes(flags), 1)
    while True:
        introducer = file.read(1)[0]
        if introducer == 0x3B:
            return file.tell()
        if introducer == 0x2C:
            file.seek(_color_table_bytes(file.read(9)[8]) + 1, 1)
        elif introducer == 0x21:
            file.seek(1, 1)
        else:
            return size + 1
        while length := file.read(1)[0]:
            file.seek(length, 1)


def _color_table_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0
