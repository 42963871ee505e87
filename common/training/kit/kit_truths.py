"""Pictures of kit objects with what is known of every pixel: what ControlNets learn from.

The cache folder ``kit_truths/<part>/`` gets, for every category, ``<category>-128.npy``, uint8
``(objects * views, 128, 128, 4)`` with premultiplied alpha, ``<category>-truth-128.npy``, uint8
``(objects * views, 128, 128, 5)``: depth map, normal map (3) and label (0 is empty ground), and
``<category>.json``. The index carries a digest of the kit's sources and of the maps' settings.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Int32, UInt8
from torch import Tensor

from common.control.geometry_maps import FARTHEST, depth_map, normal_map
from common.kit.captions import Facts
from common.kit.catalogue import CATEGORIES
from common.kit.category import Category
from common.kit.kit_object import KitObject
from common.kit.render import render_views
from common.kit.views import View
from common.training.emoji.emoji_cache import load_array, read_index, write_index
from common.training.kit.kit_parts import KitPart, objects_of, views_of
from common.training.kit.kit_pictures import kit_digest
from common.training.kit.kit_store import (
    array_path,
    category_index,
    digest_with,
    facts_of,
    object_entry,
    open_index,
    to_bytes,
)
from common.training.pictures.array_files import fill_array

SIZE_PX = 128
PRESET = "prepare/truths"
TRAIN_TRUTHS = KitPart("train", 20, 4)
INSTANCE_TRUTHS = KitPart("instances", 2, 4)
TRUTH_PARTS = (TRAIN_TRUTHS, INSTANCE_TRUTHS)
DEPTH, NORMALS, LABEL = 0, slice(1, 4), 4
"""Channels of a truth."""
_CHANNELS = 5


@dataclass(frozen=True)
class TruthShot:
    """One object of a prepared set and the views it is seen from."""

    seed: int
    facts: Facts
    views: tuple[View, ...]


@dataclass(frozen=True)
class KitTruthSet:
    """Prepared pictures of one category: view ``v`` of shot ``i`` is row ``i * num_views + v``."""

    category: Category
    shots: tuple[TruthShot, ...]
    pixels: UInt8[np.ndarray, "n h w 4"]
    truths: UInt8[np.ndarray, "n h w 5"]


class Rendered(NamedTuple):
    """Views of an object in 8 bits."""

    pixels: UInt8[np.ndarray, "v h w 4"]
    """Premultiplied."""
    truths: UInt8[np.ndarray, "v h w 5"]


def prepare_truths(cache: Path, part: KitPart) -> Iterator[tuple[Category, int]]:
    """Render the categories that ``cache`` does not have.

    Yields:
        Each category with the number of its pictures, when they are there.
    """
    for category in CATEGORIES:
        index = _index(cache, part, category)
        if read_index(index, truth_digest(part)) is None:
            _store(index, category, part)
        yield category, int(open_index(index, truth_digest(part), PRESET)["num_pictures"])


def load_truths(cache: Path, part: KitPart) -> tuple[KitTruthSet, ...]:
    """Map all prepared pictures of one part, in the order of the catalogue.

    Categories with no object in this part are left out.

    Raises:
        InputError: a category is not prepared from the present kit, or a file is damaged.
    """
    found = []
    for category in CATEGORIES:
        path = _index(cache, part, category)
        index = open_index(path, truth_digest(part), PRESET)
        total = index["num_pictures"]
        if total:
            shots = tuple(
                TruthShot(
                    entry["seed"], facts_of(entry),
                    tuple(View(*map(float, view)) for view in entry["views"]),
                )
                for entry in index["shots"]
            )  # fmt: skip
            pixels = load_array(array_path(path, SIZE_PX), total, SIZE_PX)
            truths = load_array(_truth_path(path), total, SIZE_PX, _CHANNELS)
            found.append(KitTruthSet(category, shots, pixels, truths))
    return tuple(found)


def truth_digest(part: KitPart) -> str:
    """What the pictures of a part are made by: the kit's sources, the maps, and how many."""
    return digest_with(kit_digest(), SIZE_PX, FARTHEST, *part)


def rendered_truths(
    one: KitObject, views: tuple[View, ...], size_px: int | None = None
) -> Rendered:
    """The views of an object with depth maps, normal maps and labels."""
    made = render_views(one, views, size_px or SIZE_PX)
    depth = rearrange(depth_map(made.depth), "v h w -> v h w 1")
    maps = to_bytes(torch.cat([depth, normal_map(made.normal, made.cameras.w2c)], -1))
    labels = rearrange(labels_of(one, made.part_id), "v h w -> v h w 1")
    return Rendered(to_bytes(made.rgba), np.concatenate([maps, labels], -1))


def labels_of(one: KitObject, part_id: Int32[Tensor, "v h w"]) -> UInt8[np.ndarray, "v h w"]:
    """What each pixel shows: 1, 2, ... by the parts' names in order, 0 for empty ground.

    Parts of one name, such as the wheels of a car, have one label.
    """
    names = list(dict.fromkeys(part.name for part in one.parts))
    table = np.array([0, *(names.index(part.name) + 1 for part in one.parts)], np.uint8)
    return table[part_id.numpy() + 1]


def _store(index: Path, category: Category, part: KitPart) -> None:
    """Render one category; the index is written last."""
    index.unlink(missing_ok=True)
    objects = list(objects_of(part, category))
    views = [views_of(part, one) for one in objects]
    made = [rendered_truths(one, seen) for one, seen in zip(objects, views, strict=True)]
    shape = (sum(map(len, views)), SIZE_PX, SIZE_PX)
    fill_array(array_path(index, SIZE_PX), (*shape, 4), np.uint8, (one.pixels for one in made))
    fill_array(_truth_path(index), (*shape, _CHANNELS), np.uint8, (one.truths for one in made))
    shots = [
        {**object_entry(one.seed, one.facts), "views": [astuple(view) for view in seen]}
        for one, seen in zip(objects, views, strict=True)
    ]
    write_index(index, truth_digest(part), {"num_pictures": shape[0], "shots": shots})


def _index(cache: Path, part: KitPart, category: Category) -> Path:
    return category_index(cache, "kit_truths", part.name, category)


def _truth_path(index: Path) -> Path:
    return index.with_name(f"{index.stem}-truth-{SIZE_PX}.npy")
