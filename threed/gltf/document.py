"""glTF files as a checked document and its buffers: nothing is believed before it is measured.

Files are foreign. A buffer is as long as the bytes that are there, not as long as the document
says; references to other files are refused, so that reading one file reads one file.
"""

import base64
import binascii
import mmap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.media.glb_container import parse_container

MAX_FILE_BYTES = 512 * 2**20
MAX_DOCUMENT_BYTES = 64 * 2**20
_BINARY_CHUNK = b"BIN\x00"

Entry = dict[str, Any]


@dataclass(frozen=True, eq=False)
class GltfFile:
    """A document and the bytes that it refers to."""

    document: Entry
    buffers: tuple[memoryview, ...]
    """Exactly as long as the document says each is."""

    def entries(self, key: str) -> list[Entry]:
        """One of the document's lists of objects, such as ``materials``; empty where absent."""
        return entries(self.document, key)

    def entry(self, key: str, index: object, where: str) -> Entry:
        """One object of such a list; ``where`` says who asks for it.

        Raises:
            InputError: there is no such object.
        """
        known = self.entries(key)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(known):
            raise InputError(f"{where} refers to {key}[{index}], but there are {len(known)}")
        return known[index]

    def view_bytes(self, index: object, where: str) -> memoryview:
        """The bytes of a buffer view, which lie wholly inside its buffer."""
        view = self.entry("bufferViews", index, where)
        place = f"bufferViews[{index}]"
        self.entry("buffers", view.get("buffer"), place)
        data = self.buffers[view["buffer"]]
        begin, length = whole(view, "byteOffset", place, 0), whole(view, "byteLength", place)
        if begin + length > len(data):
            raise InputError(
                f"{place} reaches to byte {begin + length:,} of a buffer of {len(data):,}"
            )
        return data[begin : begin + length]


def read_gltf(path: Path) -> GltfFile:
    """A GLB, or a .gltf whose data are inside it, memory-mapped.

    Raises:
        InputError: no glTF 2.0, damaged, too large, or it needs other files.
    """
    size = path.stat().st_size
    if not 0 < size <= MAX_FILE_BYTES:
        raise InputError(f"{path}: has {size:,} bytes; between 1 and {MAX_FILE_BYTES:,} are read")
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        return parse_gltf(memoryview(mapped))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def parse_gltf(data: bytes | memoryview) -> GltfFile:
    """The same of a file in memory.

    Raises:
        InputError: as `read_gltf`.
    """
    document, rest = parse_container(data, MAX_DOCUMENT_BYTES)
    binary = None if rest is None else _binary_chunk(memoryview(rest))
    buffers = tuple(
        _buffer(entry, binary if index == 0 else None, f"buffers[{index}]")
        for index, entry in enumerate(entries(document, "buffers"))
    )
    for index, image in enumerate(entries(document, "images")):
        uri = image.get("uri")
        if uri is not None and not str(uri).startswith("data:"):
            raise _outside(f"images[{index}]", uri)
    return GltfFile(document, buffers)


def entries(holder: Entry, key: str) -> list[Entry]:
    """A list of objects; empty where absent.

    Raises:
        InputError: it is something else.
    """
    value = holder.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise InputError(f"'{key}' is not a list of objects")
    return value


def child(holder: Entry, key: str) -> Entry:
    """An object inside an object; empty where absent.

    Raises:
        InputError: it is something else.
    """
    value = holder.get(key, {})
    if not isinstance(value, dict):
        raise InputError(f"'{key}' is not an object")
    return value


def whole(entry: Entry, key: str, where: str, default: int | None = None, least: int = 0) -> int:
    """A whole number of the document from ``least``.

    Raises:
        InputError: it is missing without a default, or something else.
    """
    value = entry.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value < 2**53:
        raise InputError(f"{where}.{key} is {value!r}, not a whole number from {least}")
    return value


def numbers(entry: Entry, key: str, default: list[float], where: str) -> list[float]:
    """A list of finite numbers as long as its default.

    Raises:
        InputError: it is something else.
    """
    value = entry.get(key, default)
    fits = isinstance(value, list) and len(value) == len(default)
    if not fits or not all(_is_number(one) for one in value):
        raise InputError(f"{where}.{key} is not a list of {len(default)} finite numbers")
    return [float(one) for one in value]


def data_uri_bytes(uri: str, where: str) -> bytes:
    """The bytes of a base64 data URI.

    Raises:
        InputError: it is something else, or damaged.
    """
    if not uri.startswith("data:"):
        raise _outside(where, uri)
    head, _, text = uri.partition(",")
    if not head.endswith(";base64"):
        raise InputError(f"{where}: its data URI is not base64")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputError(f"{where}: its data URI is damaged ({error})") from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e30


def _binary_chunk(rest: memoryview) -> memoryview | None:
    """The first chunk after the document, if it is a binary buffer; lengths are checked already."""
    if len(rest) < 8 or bytes(rest[4:8]) != _BINARY_CHUNK:
        return None
    return rest[8 : 8 + int.from_bytes(rest[:4], "little")]


def _buffer(entry: Entry, binary: memoryview | None, where: str) -> memoryview:
    length, uri = whole(entry, "byteLength", where, least=1), entry.get("uri")
    if uri is not None:
        data = memoryview(data_uri_bytes(str(uri), where))
    elif binary is not None:
        data = binary
    else:
        raise InputError(f"{where} has no data: no URI, and the file has no binary chunk for it")
    if length > len(data):
        raise InputError(f"{where} says {length:,} bytes and has {len(data):,}")
    return data[:length]


def _outside(where: str, uri: object) -> InputError:
    shown = str(uri)[:80]
    return InputError(
        f"{where} refers to another file ({shown!r}); export one .glb with all data inside"
    )
