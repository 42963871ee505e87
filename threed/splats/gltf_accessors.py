"""Accessors of a GLB: columns of numbers in its binary chunk, every bound checked.

Only what stands in the file itself is read: no external buffers, no sparse accessors, no compressed
views. Normalised integers become floats as glTF 2.0, section 3.6.2.2, says.
"""

import struct
from typing import Any

import numpy as np

from common.errors import InputError

_COMPONENTS = {5120: "i1", 5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_BINARY_CHUNK = 0x004E4942


def binary_chunk(data: bytes) -> bytes:
    """The second chunk of a GLB whose lengths have been checked; empty if there is none."""
    (json_length,) = struct.unpack_from("<I", data, 12)
    begin = 20 + json_length
    if begin + 8 > len(data):
        return b""
    length, kind = struct.unpack_from("<2I", data, begin)
    if kind != _BINARY_CHUNK or begin + 8 + length > len(data):
        raise InputError("this GLB has no binary chunk after its document")
    return data[begin + 8 : begin + 8 + length]


def accessor_values(tree: dict[str, Any], chunk: bytes, index: Any, kind: str) -> np.ndarray:
    """An accessor's values, ``n`` rows of float32.

    Args:
        tree: the document.
        chunk: its binary chunk.
        index: of the accessor.
        kind: the type that it must have, such as ``VEC3``.

    Raises:
        InputError: no such accessor, another type, outside the file, sparse or elsewhere.
    """
    accessor = item_of(tree, "accessors", index)
    component = _COMPONENTS.get(accessor.get("componentType", 0))
    if accessor.get("type") != kind or component is None:
        raise InputError(
            f"accessor {index} is {accessor.get('type')} of type {accessor.get('componentType')}, "
            f"not {kind}"
        )
    if "sparse" in accessor or "bufferView" not in accessor:
        raise InputError(f"accessor {index} is sparse or without data, which is not read")
    view = item_of(tree, "bufferViews", accessor["bufferView"])
    buffer = item_of(tree, "buffers", view.get("buffer"))
    if "uri" in buffer or view.get("buffer") != 0 or view.get("extensions"):
        raise InputError(f"accessor {index} is compressed or in another file, which is not read")
    dtype = np.dtype(component)
    row = dtype.itemsize * _WIDTHS[kind]
    count, stride = _whole(accessor, "count", 0), _whole(view, "byteStride", row)
    begin = _whole(view, "byteOffset", 0) + _whole(accessor, "byteOffset", 0)
    end = begin + stride * (count - 1) + row
    limit = min(_whole(view, "byteOffset", 0) + _whole(view, "byteLength", 0), len(chunk))
    if count < 1 or stride < row or end > limit:
        raise InputError(
            f"is cut off or damaged: accessor {index} ends at byte {end:,} of {limit:,}"
        )
    raw = np.ndarray((count, _WIDTHS[kind]), dtype, chunk, begin, (stride, dtype.itemsize))
    values = raw.astype(np.float32)
    if accessor.get("normalized") and dtype.kind != "f":
        values = np.maximum(values / np.iinfo(dtype).max, -1)
    return values


def item_of(tree: dict[str, Any], name: str, index: Any) -> dict[str, Any]:
    """An entry of one of a document's lists.

    Raises:
        InputError: there is none of that index.
    """
    items = tree.get(name)
    if isinstance(items, list) and type(index) is int and 0 <= index < len(items):
        found = items[index]
        if isinstance(found, dict):
            return found
    raise InputError(f"this glTF is damaged: there is no {name}[{index}]")


def _whole(tree: dict[str, Any], name: str, default: int) -> int:
    value = tree.get(name, default)
    if type(value) is not int or value < 0:
        raise InputError(f"this glTF is damaged: {name} is {value}")
    return value
