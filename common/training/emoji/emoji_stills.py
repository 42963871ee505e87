"""The emoji stills as arrays that training reads at the speed of memory.

The cache folder ``emoji/`` gets one ``stills-<size>.npy`` for each size, uint8
``(emoji, size, size, 4)`` with premultiplied alpha, and ``stills.json``, which names the rows. At
64, 128 and 256 px they take 30, 122 and 486 MB.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from common.atomic import atomic_path
from common.errors import InputError
from common.training.emoji.emoji_cache import load_array, new_array, read_index, write_index
from common.training.emoji.emoji_packages import STILLS
from common.training.emoji.emoji_pixels import emoji_files, read_still
from common.training.emoji.npm_package import unpacked_package

SIZES_PX = (64, 128, 256)


@dataclass(frozen=True)
class EmojiStills:
    """All stills at one size: ``pixels[i]`` (premultiplied, mapped from disk) is ``keys[i]``."""

    keys: tuple[str, ...]
    pixels: UInt8[np.ndarray, "n h w 4"]

    @property
    def size_px(self) -> int:
        """The side of the square pictures."""
        return int(self.pixels.shape[1])

    def rows(self, keys: tuple[str, ...]) -> list[int]:
        """The rows of ``keys``, in their order.

        Raises:
            InputError: a key has no still.
        """
        row_of = {key: row for row, key in enumerate(self.keys)}
        unknown = [key for key in keys if key not in row_of]
        if unknown:
            raise InputError(f"no still for {len(unknown)} of {len(keys)} keys: {unknown[:5]}")
        return [row_of[key] for key in keys]


def prepare_stills(cache: Path, sizes_px: tuple[int, ...] = SIZES_PX) -> list[EmojiStills]:
    """Download, decode and store the stills, unless ``cache`` has them; one result a size."""
    index = read_index(cache / "emoji" / "stills.json", STILLS.sha256)
    stored = tuple(index["sizes_px"]) if index else ()
    if not set(sizes_px) <= set(stored):
        with unpacked_package(STILLS, cache, patterns=("assets/*.webp",)) as unpacked:
            every_size = tuple(sorted({*stored, *sizes_px}))
            store_stills(unpacked, cache / "emoji", every_size, STILLS.sha256)
    return [load_stills(cache, size_px) for size_px in sizes_px]


def store_stills(
    unpacked: Path, folder: Path, sizes_px: tuple[int, ...], source_sha256: str
) -> None:
    """Decode the pictures of an unpacked package into ``folder``, every file once for all sizes."""
    files = emoji_files(unpacked)
    index = folder / "stills.json"
    index.unlink(missing_ok=True)
    with ExitStack() as appearing:
        arrays = [
            new_array(
                appearing.enter_context(atomic_path(folder / f"stills-{size_px}.npy")),
                len(files),
                size_px,
            )
            for size_px in sizes_px
        ]
        for row, path in enumerate(files.values()):
            for array, picture in zip(arrays, read_still(path, sizes_px), strict=True):
                array[row] = picture
        for array in arrays:
            array.flush()  # type: ignore[attr-defined]
    write_index(index, source_sha256, {"sizes_px": list(sizes_px), "keys": list(files)})


def load_stills(cache: Path, size_px: int, source_sha256: str = STILLS.sha256) -> EmojiStills:
    """Map the prepared stills of one size.

    Raises:
        InputError: they are not prepared at this size, or a file is damaged.
    """
    folder = cache / "emoji"
    index = read_index(folder / "stills.json", source_sha256)
    if index is None or size_px not in index["sizes_px"]:
        has = index["sizes_px"] if index else "none"
        raise InputError(
            f"{folder} holds no emoji stills at {size_px} px (sizes there: {has}). Prepare them "
            "first; that needs npm and, once, a network."
        )
    keys = tuple(index["keys"])
    return EmojiStills(keys, load_array(folder / f"stills-{size_px}.npy", len(keys), size_px))
