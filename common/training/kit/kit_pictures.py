"""Pictures of kit objects as arrays that training reads at the speed of memory.

The cache folder ``kit/<part>/`` gets, for every category, ``<category>-128.npy`` and
``<category>-64.npy``, uint8 ``(objects * views, size, size, 4)`` with premultiplied alpha, the
views of an object one after the other, and ``<category>.json``: what each object is and from where
each picture was taken. The index also says the digest of the kit's sources; after a change of the
kit, its pictures are prepared anew.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from functools import cache as cached
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import UInt8

from common.errors import InputError
from common.kit.captions import Facts
from common.kit.catalogue import CATEGORIES
from common.kit.category import Category
from common.kit.kit_object import KitObject
from common.kit.render import render_views
from common.kit.views import View
from common.training.emoji.emoji_cache import load_array, read_index, write_index
from common.training.kit.kit_parts import KitPart, objects_of, views_of
from common.training.kit.kit_store import (
    array_path,
    category_index,
    facts_of,
    object_entry,
    open_index,
    sources_digest,
    to_bytes,
)
from common.training.pictures.array_files import fill_array

SIZES_PX = (128, 64)
PRESET = "prepare/kit"
_DRAW_NOTHING = ("__init__.py", "captions.py", "clips.py", "motions.py", "speech.py")
"""Sources of the kit on which no still picture depends."""


@dataclass(frozen=True)
class KitShot:
    """One object of a prepared set and the views it is seen from."""

    seed: int
    facts: Facts
    views: tuple[View, ...]


@dataclass(frozen=True)
class KitCategorySet:
    """Prepared pictures of one category: view ``v`` of shot ``i`` is row ``i * num_views + v``."""

    category: Category
    shots: tuple[KitShot, ...]
    pixels: UInt8[np.ndarray, "n h w 4"]

    @property
    def num_views(self) -> int:
        """Views of every object."""
        return len(self.shots[0].views)


def prepare_kit(cache: Path, part: KitPart) -> Iterator[tuple[Category, int]]:
    """Render the categories that ``cache`` does not have.

    Yields:
        Each category with the number of its pictures, when they are there.
    """
    for category in CATEGORIES:
        index = kit_index(cache, part, category)
        if read_index(index, kit_digest()) is None:
            _store(index, category, part)
        yield category, int(open_index(index, kit_digest(), PRESET)["num_pictures"])


def load_kit(cache: Path, part: KitPart, size_px: int = 128) -> tuple[KitCategorySet, ...]:
    """Map all prepared pictures of one part, in the order of the catalogue.

    Categories with no object in this part are left out.

    Raises:
        InputError: a category is not prepared from the present kit, a file is damaged, or a size
            that pictures are not prepared in.
    """
    if size_px not in SIZES_PX:
        raise InputError(f"kit pictures are prepared at {SIZES_PX} px, not at {size_px} px")
    found = []
    for category in CATEGORIES:
        path = kit_index(cache, part, category)
        index = open_index(path, kit_digest(), PRESET)
        if index["num_pictures"]:
            shots = tuple(_shot(entry) for entry in index["shots"])
            pixels = load_array(array_path(path, size_px), index["num_pictures"], size_px)
            found.append(KitCategorySet(category, shots, pixels))
    return tuple(found)


@cached
def kit_digest() -> str:
    """SHA-256 over the sources of what draws: which kit pictures were made by."""
    return sources_digest(_DRAW_NOTHING)


def kit_index(cache: Path, part: KitPart, category: Category) -> Path:
    """The index file of a category's pictures."""
    return category_index(cache, "kit", part.name, category)


def _store(index: Path, category: Category, part: KitPart) -> None:
    """Render one category, then halve its pictures."""
    index.unlink(missing_ok=True)
    objects = list(objects_of(part, category))
    views = [views_of(part, one) for one in objects]
    total = sum(map(len, views))
    drawn = (rendered(one, seen) for one, seen in zip(objects, views, strict=True))
    fill_array(array_path(index, 128), (total, 128, 128, 4), np.uint8, drawn)
    large = load_array(array_path(index, 128), total, 128)
    rows = (np.array(large[row : row + 1]) for row in range(total))
    fill_array(array_path(index, 64), (total, 64, 64, 4), np.uint8, map(halved, rows))
    shots = [_entry(one, seen) for one, seen in zip(objects, views, strict=True)]
    write_index(index, kit_digest(), {"num_pictures": total, "shots": shots})


def rendered(one: KitObject, views: tuple[View, ...]) -> UInt8[np.ndarray, "v 128 128 4"]:
    """The views of an object as 8-bit premultiplied pictures."""
    return to_bytes(render_views(one, views, 128).rgba)


def halved(pixels: UInt8[np.ndarray, "v h w 4"]) -> UInt8[np.ndarray, "v h2 w2 4"]:
    """Pictures of half the side, by the mean of 2 x 2 pixels."""
    planes = rearrange(torch.from_numpy(pixels).float(), "v h w c -> v c h w")
    small = rearrange(F.avg_pool2d(planes, 2), "v c h w -> v h w c")
    return small.round().to(torch.uint8).numpy()


def _entry(one: KitObject, views: tuple[View, ...]) -> dict[str, Any]:
    seen = [astuple(view) for view in views]
    return {**object_entry(one.seed, one.facts), "views": seen}


def _shot(entry: dict[str, Any]) -> KitShot:
    views = tuple(View(*map(float, view)) for view in entry["views"])
    return KitShot(entry["seed"], facts_of(entry), views)
