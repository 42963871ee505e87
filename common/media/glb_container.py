"""The container of glTF 2.0: a JSON document, alone or as the first chunk of a binary file.

A GLB is a 12-byte header and chunks, each a length, a type and data padded to 4 bytes; the first is
the JSON document (glTF 2.0 specification, section 4.4). Every length is checked against the bytes
that are there before anything is read.
"""

import json
import struct
from typing import Any

from common.errors import InputError

MAGIC = b"glTF"
_JSON_CHUNK = 0x4E4F534A
_MAX_GLB_BYTES = 2**32 - 1


def parse_container(
    data: bytes | memoryview, max_document_bytes: int | None = None
) -> tuple[dict[str, Any], bytes | memoryview | None]:
    """The document, and for a GLB the bytes of its other chunks (a view if given one).

    Args:
        data: a whole file.
        max_document_bytes: refuse larger documents before they are parsed; None takes any.

    Raises:
        InputError: not glTF 2.0, damaged, or too large.
    """
    text, rest = _split(data) if data[:4] == MAGIC else (data, None)
    if max_document_bytes is not None and len(text) > max_document_bytes:
        raise InputError(
            f"this glTF's document has {len(text):,} bytes; at most {max_document_bytes:,} are read"
        )
    try:
        document = json.loads(bytes(text).decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"this glTF is damaged: its document is not JSON ({error})") from error
    asset = document.get("asset") if isinstance(document, dict) else None
    version = asset.get("version") if isinstance(asset, dict) else None
    if not isinstance(version, str) or not version.startswith("2."):
        raise InputError(f"only glTF 2 is known; this file's asset.version is {version}")
    return document, rest


def joined_container(text: bytes, rest: bytes | memoryview) -> bytes:
    """A GLB of a document and its other chunks."""
    padded = text + b" " * (-len(text) % 4)
    length = 20 + len(padded) + len(rest)
    if length > _MAX_GLB_BYTES:
        raise InputError(f"a GLB holds at most {_MAX_GLB_BYTES} bytes, this one needs {length}")
    return struct.pack("<4s4I", MAGIC, 2, length, len(padded), _JSON_CHUNK) + padded + bytes(rest)


def _split(data: bytes | memoryview) -> tuple[bytes | memoryview, bytes | memoryview]:
    """The JSON chunk's bytes and everything after it, checked against the lengths they state."""
    if len(data) < 20:
        raise InputError(f"this GLB is cut off: {len(data)} bytes")
    _, version, length, json_length, json_type = struct.unpack_from("<4s4I", data)
    if version != 2 or json_type != _JSON_CHUNK:
        raise InputError(f"this GLB is damaged or not version 2 (it says {version})")
    if length != len(data) or length % 4:
        raise InputError(f"this GLB is damaged: it says {length} bytes and has {len(data)}")
    end = 20 + json_length
    if json_length % 4 or end > length:
        raise InputError(f"this GLB is damaged: its document of {json_length} bytes does not fit")
    offset = end
    while offset < length:
        if length - offset < 8:
            raise InputError(f"this GLB is damaged: {length - offset} stray bytes at its end")
        (chunk_length,) = struct.unpack_from("<I", data, offset)
        offset += 8 + chunk_length
        if chunk_length % 4 or offset > length:
            raise InputError(f"this GLB is damaged: a chunk of {chunk_length} bytes does not fit")
    return data[20:end], data[end:]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
