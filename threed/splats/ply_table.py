"""The header of a PLY file, and its vertices as a table: only what splat files need of the format.

Binary files of both byte orders, scalar properties, other elements of fixed size around the
vertices. Counts are checked against the file's length before anything is allocated.
"""

from dataclasses import dataclass

import numpy as np

from common.errors import InputError

MAX_HEADER_BYTES = 65_536
_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2",
    "ushort": "u2", "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4",
    "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True)
class PlyElement:
    """One kind of thing in a file."""

    name: str
    count: int
    properties: tuple[tuple[str, str], ...]
    """Name and type; ``list`` for lists."""


@dataclass(frozen=True)
class PlyHeader:
    """What a PLY file says it holds."""

    format: str
    """``ascii``, ``binary_little_endian`` or ``binary_big_endian``."""
    elements: tuple[PlyElement, ...]
    comments: tuple[str, ...]
    num_bytes: int
    """Of the header: the data begin here."""

    @property
    def vertex_names(self) -> tuple[str, ...]:
        """The properties of the vertices."""
        for element in self.elements:
            if element.name == "vertex":
                return tuple(name for name, _ in element.properties)
        return ()


def read_ply_header(data: bytes) -> PlyHeader:
    """The header, from the beginning of a file.

    Raises:
        InputError: not a PLY file, or a damaged header.
    """
    head = data[:MAX_HEADER_BYTES]
    if not head.startswith((b"ply\n", b"ply\r")):
        raise InputError("is not a PLY file (no ply header)")
    for ending in (b"end_header\r\n", b"end_header\n", b"end_header\r"):
        text, found, _ = head.partition(ending)
        if found:
            return _parsed(text.decode("utf-8", "replace"), len(text) + len(ending))
    raise InputError(f"is not a PLY file: no end_header in its first {len(head):,} bytes")


def _parsed(text: str, num_bytes: int) -> PlyHeader:
    form = ""
    comments: list[str] = []
    elements: list[tuple[str, int, list[tuple[str, str]]]] = []
    for line in text.splitlines()[1:]:
        words = line.split()
        match words:
            case ["format", name, *_]:
                form = name
            case ["comment" | "obj_info", *_]:
                comments.append(line.partition(" ")[2])
            case ["element", name, count] if count.isascii() and count.isdigit():
                elements.append((name, int(count), []))
            case ["property", "list", _, _, name] if elements:
                elements[-1][2].append((name, "list"))
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1][2].append((name, kind))
            case []:
                continue
            case _:
                raise InputError(f"has a PLY header with an unknown line: {line[:80]!r}")
    if form != "ascii" and form not in _ORDERS:
        raise InputError(f"is a PLY file of the unknown format '{form[:40]}'")
    made = tuple(PlyElement(name, count, tuple(found)) for name, count, found in elements)
    return PlyHeader(form, made, tuple(comments), num_bytes)


def vertex_table(data: bytes, header: PlyHeader) -> np.ndarray:
    """The vertices, one named field for each property, without a copy.

    Raises:
        InputError: ASCII, lists, a repeated name, or fewer bytes than the header promises.
    """
    if header.format not in _ORDERS:
        raise InputError("is an ASCII PLY file; write its Gaussians as binary_little_endian")
    offset = header.num_bytes
    for element in header.elements:
        row = _row(element, _ORDERS[header.format])
        if element.name == "vertex":
            needed = offset + element.count * row.itemsize
            if needed > len(data):
                raise InputError(
                    f"is cut off: {element.count:,} vertices of {row.itemsize} bytes end at byte "
                    f"{needed:,}, and the file has {len(data):,}"
                )
            return np.frombuffer(data, row, element.count, offset)
        offset += element.count * row.itemsize
    raise InputError("is a PLY file without vertices")


def _row(element: PlyElement, order: str) -> np.dtype:
    names = [name for name, _ in element.properties]
    if len(set(names)) != len(names):
        raise InputError(f"names a property of its {element.name} elements twice")
    if any(kind == "list" for _, kind in element.properties):
        raise InputError(f"has lists in its {element.name} elements, before or in the vertices")
    return np.dtype([(name, order + _TYPES[kind]) for name, kind in element.properties])
