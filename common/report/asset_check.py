"""Whether a binary glTF file can be shown by a viewer that has no network.

The layout is that of the glTF 2.0 specification, section 4.4: a 12-byte header (magic, version,
length), then chunks, of which the first is JSON.
"""

import json
import struct
from pathlib import Path
from typing import Any

from common.errors import InputError

HEADER = struct.Struct("<4sII")
CHUNK_HEADER = struct.Struct("<I4s")
FETCHED_DECODERS = ("KHR_draco_mesh_compression", "KHR_texture_basisu")
"""Extensions whose decoders the viewer would load from the network."""


def check_glb(path: Path) -> None:
    """Raise an ``InputError`` if a file is no whole, self-contained GLB."""
    size_bytes = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEADER.size + CHUNK_HEADER.size)
        if len(head) < HEADER.size + CHUNK_HEADER.size or head[:4] != b"glTF":
            raise InputError(f"{path}: not a binary glTF file (it does not begin with 'glTF')")
        _, version, length = HEADER.unpack_from(head)
        chunk_length, chunk_type = CHUNK_HEADER.unpack_from(head, HEADER.size)
        if version != 2:
            raise InputError(f"{path}: glTF version {version}; only version 2 can be shown")
        if length != size_bytes:
            raise InputError(
                f"{path}: the file says it has {length} bytes but has {size_bytes}; "
                "it is truncated or corrupted, export it again"
            )
        text = file.read(chunk_length)
    if chunk_type != b"JSON" or len(text) != chunk_length:
        raise InputError(f"{path}: the first chunk of the file is not whole JSON; export it again")
    _check_self_contained(path, text)


def _check_self_contained(path: Path, text: bytes) -> None:
    try:
        document: Any = json.loads(text)
    except ValueError as error:
        raise InputError(f"{path}: the JSON chunk cannot be parsed ({error})") from error
    if not isinstance(document, dict):
        raise InputError(f"{path}: the JSON chunk is not an object; export it again")
    required = _listed(document, "extensionsRequired")
    needed = [name for name in FETCHED_DECODERS if name in required]
    if needed:
        raise InputError(
            f"{path}: needs {', '.join(needed)}, which the offline viewer cannot decode; "
            "export it without compression"
        )
    parts = [*_listed(document, "buffers"), *_listed(document, "images")]
    uris = [str(part["uri"]) for part in parts if isinstance(part, dict) and "uri" in part]
    outside = [uri for uri in uris if not uri.startswith("data:")]
    if outside:
        raise InputError(
            f"{path}: refers to other files ({', '.join(outside)}); export one .glb with all data"
        )


def _listed(document: dict[str, Any], key: str) -> list[Any]:
    """A list of the document; empty where it is absent or, in a foreign file, no list."""
    value = document.get(key)
    return value if isinstance(value, list) else []
