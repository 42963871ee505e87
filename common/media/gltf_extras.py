"""Provenance in glTF: the ``asset.extras.extrude`` object of a GLB or a .gltf file.

All chunks but the JSON document are copied as they are.
"""

import json
from typing import Any

from common.errors import InputError
from common.media.glb_container import joined_container, parse_container
from common.media.provenance import Provenance

KEY = "extrude"


def embed(data: bytes, provenance: Provenance | None) -> bytes:
    """The same asset with the record in it, replacing an earlier one; None removes it.

    Args:
        data: a GLB or a glTF JSON document. Buffers, images and all other chunks stay untouched.
        provenance: how it was made.

    Raises:
        InputError: not glTF 2.0, damaged, or ``asset.extras`` is taken by something else.
    """
    document, rest = parse_container(data)
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
    return text if rest is None else joined_container(text, rest)


def extract(data: bytes) -> str | None:
    """The record's JSON in a GLB or a glTF document; None when it has none."""
    document, _ = parse_container(data)
    extras = document["asset"].get("extras")
    if not isinstance(extras, dict) or KEY not in extras:
        return None
    return json.dumps(extras[KEY], separators=(",", ":"))


def document_of(data: bytes) -> dict[str, Any]:
    """The JSON document of a GLB or glTF file.

    Raises:
        InputError: not glTF 2.0, or damaged.
    """
    return parse_container(data)[0]
