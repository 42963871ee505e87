"""Provenance in glTF: the ``asset.extras.extrude`` object of a GLB or a .gltf file.

A GLB is a 12-byte header and chunks, each a length, a type and data padded to 4 bytes; the first is
the JSON document, the others are copied as they are (glTF 2.0 specification, section 4.4).
"""

import json
import struct
from typing import Any

from common.errors import InputError
from common.media.provenance import Provenance

_MAGIC = b"glTF"
_JSON_CHUNK = 0x4E4F534A
_MAX_GLB_BYTES = 2**32 - 1
KEY = "extrude"


def embed(data: bytes, provenance: Provenance | None) -> bytes:
    """The same asset with the record in it, replacing an earlier one; None removes it.

    Args:
        data: a GLB or a glTF JSON document. Buffers, images and all other chunks stay untouched.
        provenance: how it was made.

    Raises:
        InputError: not glTF 2.0, damaged, or ``asset.extras`` is taken by something else.
    """
    document, rest = _parse(data)
    asset = document["asset"]
    extras = asset.get("extras", {})
    if not isinstance(extras, dict):
        raise InputError("this glTF keeps something other than an object in asset.extras")
    extras = {key: value for key, value in extras.items() if key != KEY}
    if provenance is not None:
        extras[KEY] = json.loads(provenance.to_json())
    document["asset"] = {key: value for key, value in asset.items() if key != "extras"}
    if extras:
        document["asset"]["extras"] = extras
    try:
        text = json.dumps(document, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise InputError(f"this glTF is damaged: {error}") from error
    return text if rest is None else _glb(text, rest)


def extract(data: bytes) -> str | None:
    """The record's JSON in a GLB or a glTF document; None when it has none."""
    document, _ = _parse(data)
    extras = document["asset"].get("extras")
    if not isinstance(extras, dict) or KEY not in extras:
        return None
    return json.dumps(extras[KEY], separators=(",", ":"))


def document_of(data: bytes) -> dict[str, Any]:
    """The JSON document of a GLB or glTF file.

    Raises:
        InputError: not glTF 2.0, or damaged.
    """
    return _parse(data)[0]


def _parse(data: bytes) -> tuple[dict[str, Any], bytes | None]:
    """The document, and for a GLB the bytes of its other chunks."""
    text, rest = _split(data) if data.startswith(_MAGIC) else (data, None)
    try:
        document = json.loads(text.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(f"this glTF is damaged: its document is not JSON ({error})") from error
    asset = document.get("asset") if isinstance(document, dict) else None
    version = asset.get("version") if isinstance(asset, dict) else None
    if not isinstance(version, str) or not version.startswith("2."):
        raise InputError(f"only glTF 2 is known; this file's asset.version is {version}")
    return document, rest


def _split(data: bytes) -> tuple[bytes, bytes]:
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
        (chunk_length,) = struct.unpack_from("<I", data, offset)
        offset += 8 + chunk_length
        if chunk_length % 4 or offset > length:
            raise InputError(f"this GLB is damaged: a chunk of {chunk_length} bytes does not fit")
    return data[20:end], data[end:]


def _glb(text: bytes, rest: bytes) -> bytes:
    padded = text + b" " * (-len(text) % 4)
    length = 20 + len(padded) + len(rest)
    if length > _MAX_GLB_BYTES:
        raise InputError(f"a GLB holds at most {_MAX_GLB_BYTES} bytes, this one needs {length}")
    return struct.pack("<4s4I", _MAGIC, 2, length, len(padded), _JSON_CHUNK) + padded + rest


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
