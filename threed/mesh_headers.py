"""What mesh files say of their size, checked before a reader believes it.

A few bytes can claim billions of vertices; and counting the faces of a long file takes a moment,
where parsing them all to refuse them in the end takes minutes.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from common.errors import InputError

MAX_BYTES = 512 * 2**20
MAX_FACES = 2_000_000
MAX_VERTICES = 3 * MAX_FACES
_CHUNK = 2**22
_PLY_SIZES = {
    "char": 1, "uchar": 1, "int8": 1, "uint8": 1, "short": 2, "ushort": 2, "int16": 2,
    "uint16": 2, "int": 4, "uint": 4, "int32": 4, "uint32": 4, "float": 4, "float32": 4,
    "double": 8, "float64": 8,
}  # fmt: skip
_STL_HEADER, _STL_FACET = 84, 50


def check_declared(path: Path) -> None:
    """Refuse a mesh file that is too large, or too short for what it declares.

    Raises:
        InputError: with the numbers.
    """
    size = path.stat().st_size
    if not 0 < size <= MAX_BYTES:
        raise InputError(f"{path}: has {size:,} bytes; between 1 and {MAX_BYTES:,} are read")
    match path.suffix.lower():
        case ".obj":
            _limit(path, sum(chunk.count(b"\nf ") for chunk in _chunks(path, 3)), 0)
        case ".stl":
            _check_stl(path, size)
        case ".ply":
            _check_ply(path, size)
        case ".off":
            _check_off(path, size)


def _limit(path: Path, faces: int, vertices: int) -> None:
    if faces > MAX_FACES:
        raise InputError(f"{path}: has {faces:,} faces; at most {MAX_FACES:,} are read")
    if vertices > MAX_VERTICES:
        raise InputError(f"{path}: has {vertices:,} vertices; at most {MAX_VERTICES:,} are read")


def _chunks(path: Path, overlap: int) -> Iterator[bytes]:
    """The file in pieces, each beginning with the last ``overlap - 1`` bytes before it."""
    kept = b"\n"
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield kept + piece
            kept = (kept + piece)[-(overlap - 1) :]


def _check_stl(path: Path, size: int) -> None:
    with path.open("rb") as file:
        head = file.read(_STL_HEADER)
    faces = int.from_bytes(head[80:84], "little") if len(head) == _STL_HEADER else 0
    if size == _STL_HEADER + _STL_FACET * faces:
        _limit(path, faces, 0)
        return
    if not head.lstrip().lower().startswith(b"solid"):
        raise InputError(
            f"{path}: says {faces:,} faces, which take {_STL_HEADER + _STL_FACET * faces:,} bytes, "
            f"and has {size:,}; it is truncated or corrupted, export it again"
        )
    word = b"endfacet"
    _limit(path, sum(chunk.lower().count(word) for chunk in _chunks(path, len(word))), 0)


def _check_ply(path: Path, size: int) -> None:
    with path.open("rb") as file:
        head = file.read(64_000)
    text, found, _ = head.partition(b"end_header")
    if not text.startswith(b"ply") or not found:
        raise InputError(f"{path}: is not a PLY file (no ply header)")
    lines = text.decode("ascii", "replace").splitlines()
    is_ascii = any(line.split()[:2] == ["format", "ascii"] for line in lines)
    counts: dict[str, int] = {}
    least, count = 0, 0
    for line in lines:
        words = line.split()
        if words[:1] == ["element"]:
            if len(words) != 3 or not re.fullmatch(r"\d{1,15}", words[2]):
                raise InputError(f"{path}: its header's line '{line[:60]}' is no element")
            count = int(words[2])
            counts[words[1]] = count
            least += 2 * count if is_ascii else 0
        elif words[:1] == ["property"] and not is_ascii:
            # A list takes at least the number of its items.
            kind = words[2] if words[1:2] == ["list"] else (words[1] if len(words) > 1 else "")
            least += count * _PLY_SIZES.get(kind, 1)
    _limit(path, counts.get("face", 0), counts.get("vertex", 0))
    if least > size:
        declared = ", ".join(f"{number:,} {name}" for name, number in counts.items())
        raise InputError(
            f"{path}: declares {declared}, at least {least:,} bytes, and has {size:,}; it is "
            "truncated or corrupted, export it again"
        )


def off_counts(path: Path) -> tuple[int, int]:
    """Vertices and faces that an OFF file declares.

    Raises:
        InputError: it is none.
    """
    with path.open("rb") as file:
        head = file.read(4096).decode("ascii", "replace")
    words = re.sub(r"#.*", "", head).replace("OFF", "OFF ", 1).split()
    numbers = [word for word in words[1:4] if re.fullmatch(r"\d{1,15}", word)]
    if not words or not words[0].endswith("OFF") or len(numbers) < 2:
        raise InputError(f"{path}: is not an OFF file (no counts after OFF)")
    return int(numbers[0]), int(numbers[1])


def _check_off(path: Path, size: int) -> None:
    vertices, faces = off_counts(path)
    _limit(path, faces, vertices)
    if 2 * (3 * vertices + faces) > size:
        raise InputError(
            f"{path}: declares {vertices:,} vertices and {faces:,} faces and has {size:,} bytes; "
            "it is truncated or corrupted, export it again"
        )
