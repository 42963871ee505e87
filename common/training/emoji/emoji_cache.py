"""What the cached stills and clips have in common: an index in JSON and arrays of pictures.

An index says its format and the SHA-256 of the package it was made from. One of another format or
package counts as absent, so that a change of either prepares the data anew.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from common.atomic import write_json
from common.errors import InputError

FORMAT = 1


def write_index(path: Path, source_sha256: str, content: dict[str, Any]) -> None:
    """Write an index; to be done last, because its presence says that the arrays are complete."""
    write_json(path, {"format": FORMAT, "source_sha256": source_sha256, **content})


def read_index(path: Path, source_sha256: str) -> dict[str, Any] | None:
    """The index at ``path``, or None if it is absent or of another format or package.

    Raises:
        InputError: the file is no index.
    """
    if not path.is_file():
        return None
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        head = (index["format"], index["source_sha256"])
    except (ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{path} is damaged ({broken!r}). Delete it to prepare anew.") from broken
    return index if head == (FORMAT, source_sha256) else None


def new_array(path: Path, num: int, size_px: int) -> UInt8[np.ndarray, "n h w 4"]:
    """A mapped array of ``num`` pictures at ``path``, to be filled and flushed."""
    return np.lib.format.open_memmap(
        path, mode="w+", dtype=np.uint8, shape=(num, size_px, size_px, 4)
    )


def load_array(
    path: Path, num: int, size_px: int, channels: int = 4
) -> UInt8[np.ndarray, "n h w c"]:
    """Map an array of ``num`` pictures, read-only, and check what it claims to be.

    Raises:
        InputError: the file is missing, cut short, or of another shape or type.
    """
    try:
        pixels = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as broken:
        raise InputError(
            f"{path} cannot be read: {broken}. Delete the folder, prepare anew."
        ) from (broken)
    wanted = (num, size_px, size_px, channels)
    if pixels.shape != wanted or pixels.dtype != np.uint8:
        raise InputError(
            f"{path} holds {pixels.dtype} {pixels.shape}, its index says uint8 "
            f"{wanted}. Delete the folder, prepare anew."
        )
    return pixels
