"""Pictures of kit objects as arrays that training reads at the speed of memory.

The cache folder ``kit/<part>/`` gets, for every category, ``<category>-128.npy`` and
``<category>-64.npy``, uint8 ``(objects * views, size, size, 4)`` with premultiplied alpha, the
views of an object one after the other, and ``<category>.json``: what each object is and from where
each picture was taken. The index also says the digest of the kit's sources; after a change of the
kit, its pictures are prepared anew.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache as cached
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import UInt8

from common.atomic import atomic_path
from common.errors import InputError
from common.kit import catalogue
from common.kit.captions import Facts
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.category import Category
from common.kit.kit_object import KitObject
from common.kit.render import render_views
from common.kit.views import View
from common.training.emoji_cache import load_array, new_array, read_index, write_index
from common.training.kit_parts import KitPart, objects_of, views_of

SIZES_PX = (128, 64)
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
        path = kit_index(cache, part, category)
        if read_index(path, kit_digest()) is None:
            path.unlink(missing_ok=True)
            _store(path, category, part)
        index = read_index(path, kit_digest())
        assert index is not None
        yield category, int(index["num_pictures"])


def load_kit(cache: Path, part: KitPart, size_px: int = 128) -> tuple[KitCategorySet, ...]:
    """Map all prepared pictures of one part, in the order of the catalogue.

    Categories with no object in this part are left out.

    Raises:
        InputError: a category is not prepared from the present kit, or a file is damaged.
    """
    found = []
    for category in CATEGORIES:
        path = kit_index(cache, part, category)
        index = read_index(path, kit_digest())
        if index is None or size_px not in SIZES_PX:
            raise InputError(
                f"{path.parent} holds no pictures of '{category.name}' of the present kit at "
                f"{size_px} px. Prepare them first: python run.py prepare/kit"
            )
        if index["num_pictures"]:
            shots = tuple(_shot(entry) for entry in index["shots"])
            pixels = load_array(_array_path(path, size_px), index["num_pictures"], size_px)
            found.append(KitCategorySet(category, shots, pixels))
    return tuple(found)


@cached
def kit_digest() -> str:
    """SHA-256 over the sources of what draws: which kit pictures were made by."""
    folder = Path(catalogue.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *folder.glob("*.json")]):
        if path.name in _DRAW_NOTHING:
            continue
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def kit_index(cache: Path, part: KitPart, category: Category) -> Path:
    """The index file of a category's pictures."""
    return cache / "kit" / part.name / f"{category.name.replace(' ', '_')}.json"


def _array_path(index: Path, size_px: int) -> Path:
    return index.with_name(f"{index.stem}-{size_px}.npy")


def _store(index: Path, category: Category, part: KitPart) -> None:
    """Render one category; the index is written last."""
    objects = list(objects_of(part, category))
    views = [views_of(part, one) for one in objects]
    total = sum(map(len, views))
    with (
        atomic_path(_array_path(index, 128)) as large_path,
        atomic_path(_array_path(index, 64)) as small_path,
    ):
        large, small = new_array(large_path, total, 128), new_array(small_path, total, 64)
        row = 0
        for one, seen in zip(objects, views, strict=True):
            pixels = rendered(one, seen)
            large[row : row + len(seen)] = pixels
            small[row : row + len(seen)] = halved(pixels)
            row += len(seen)
        large.flush()  # type: ignore[attr-defined]
        small.flush()  # type: ignore[attr-defined]
    shots = [_entry(one, seen) for one, seen in zip(objects, views, strict=True)]
    write_index(index, kit_digest(), {"num_pictures": total, "shots": shots})


def rendered(one: KitObject, views: tuple[View, ...]) -> UInt8[np.ndarray, "v 128 128 4"]:
    """The views of an object as 8-bit premultiplied pictures."""
    rgba = render_views(one, views, 128).rgba
    return (rgba.clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def halved(pixels: UInt8[np.ndarray, "v h w 4"]) -> UInt8[np.ndarray, "v h2 w2 4"]:
    """Pictures of half the side, by the mean of 2 x 2 pixels."""
    planes = rearrange(torch.from_numpy(pixels).float(), "v h w c -> v c h w")
    small = rearrange(F.avg_pool2d(planes, 2), "v c h w -> v h w c")
    return small.round().to(torch.uint8).numpy()


def _entry(one: KitObject, views: tuple[View, ...]) -> dict[str, Any]:
    """An object of the index: its facts by name, and its views as numbers."""
    facts = one.facts
    return {
        "category": facts.category.name,
        "seed": one.seed,
        "main": facts.main,
        "accent": facts.accent,
        "finish": [facts.finish_english, facts.finish_chinese],
        "pattern": facts.pattern,
        "pattern_colour": facts.pattern_colour,
        "views": [[v.azimuth_deg, v.elevation_deg, v.fovy_deg, v.fill] for v in views],
    }


def _shot(entry: dict[str, Any]) -> KitShot:
    finish_english, finish_chinese = entry["finish"]
    facts = Facts(
        category_named(entry["category"]), entry["main"], entry["accent"],
        finish_english, finish_chinese, entry["pattern"], entry["pattern_colour"],
    )  # fmt: skip
    return KitShot(entry["seed"], facts, tuple(View(*map(float, v)) for v in entry["views"]))
