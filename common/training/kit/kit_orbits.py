"""Pictures of kit objects from the cameras of the view layers, as arrays that are mapped.

All pictures of an object are on one scale (`common.embedded.orbit`), unlike those of
`kit_pictures`, where each view fills its frame. The cache folder ``kit_orbits/<part>/`` gets, for
every category, ``<category>-128.npy``, uint8 ``(objects * views, 128, 128, 4)`` with premultiplied
alpha, and ``<category>.json``. The index carries a digest of the kit's sources and of the cameras;
where it differs, the category is prepared anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from common.embedded.image_unet import View
from common.embedded.orbit import DISTANCE_M, FOVY_DEG, cameras_on_orbit
from common.kit.captions import Facts
from common.kit.catalogue import CATEGORIES
from common.kit.category import Category
from common.kit.kit_object import KitObject
from common.kit.render import render
from common.kit.textured import textured_mesh
from common.training.emoji.emoji_cache import load_array, read_index, write_index
from common.training.kit.kit_parts import KitPart, objects_of
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
from common.training.kit.orbit_parts import orbit_views_of
from common.training.pictures.array_files import fill_array

SIZE_PX = 128
PRESET = "prepare/orbits"


@dataclass(frozen=True)
class OrbitShot:
    """One object of a prepared set and where it is seen from."""

    seed: int
    facts: Facts
    views: tuple[View, ...]


@dataclass(frozen=True)
class KitOrbitSet:
    """Prepared orbits of one category: view ``v`` of shot ``i`` is row ``i * num_views + v``."""

    category: Category
    shots: tuple[OrbitShot, ...]
    pixels: UInt8[np.ndarray, "n h w 4"]

    @property
    def num_views(self) -> int:
        """Views of every object."""
        return len(self.shots[0].views)

    def pictures(self, index: int) -> UInt8[np.ndarray, "v h w 4"]:
        """All views of one shot, premultiplied: a view of the mapped file, not a copy."""
        return self.pixels[index * self.num_views : (index + 1) * self.num_views]


def prepare_orbits(cache: Path, part: KitPart) -> Iterator[tuple[Category, int]]:
    """Render the categories that ``cache`` does not have.

    Yields:
        Each category with the number of its pictures, when they are there.
    """
    for category in CATEGORIES:
        index = orbit_index(cache, part, category)
        if read_index(index, orbit_digest(part)) is None:
            _store(index, category, part)
        yield category, int(open_index(index, orbit_digest(part), PRESET)["num_pictures"])


def load_orbits(cache: Path, part: KitPart) -> tuple[KitOrbitSet, ...]:
    """Map all prepared orbits of one part, in the order of the catalogue.

    Categories with no object in this part are left out.

    Raises:
        InputError: a category is not prepared from the present kit, or a file is damaged.
    """
    found = []
    for category in CATEGORIES:
        path = orbit_index(cache, part, category)
        index = open_index(path, orbit_digest(part), PRESET)
        if index["num_pictures"]:
            shots = tuple(_shot(entry) for entry in index["shots"])
            pixels = load_array(array_path(path, SIZE_PX), index["num_pictures"], SIZE_PX)
            found.append(KitOrbitSet(category, shots, pixels))
    return tuple(found)


def orbit_digest(part: KitPart) -> str:
    """What the orbits of a part are made by: the kit's sources, the cameras, and how many."""
    return digest_with(kit_digest(), FOVY_DEG, DISTANCE_M, SIZE_PX, *part)


def orbit_index(cache: Path, part: KitPart, category: Category) -> Path:
    """The index file of a category's orbits."""
    return category_index(cache, "kit_orbits", part.name, category)


def rendered_orbit(one: KitObject, views: tuple[View, ...]) -> UInt8[np.ndarray, "v h w 4"]:
    """An object from these views as 8-bit premultiplied pictures."""
    return to_bytes(render(textured_mesh(one.parts), cameras_on_orbit(views, SIZE_PX)).rgba)


def _store(index: Path, category: Category, part: KitPart) -> None:
    """Render one category; the index is written last."""
    index.unlink(missing_ok=True)
    objects = list(objects_of(part, category))
    views = [orbit_views_of(part, one) for one in objects]
    drawn = (rendered_orbit(one, seen) for one, seen in zip(objects, views, strict=True))
    total = sum(map(len, views))
    fill_array(array_path(index, SIZE_PX), (total, SIZE_PX, SIZE_PX, 4), np.uint8, drawn)
    shots = [_entry(one, seen) for one, seen in zip(objects, views, strict=True)]
    write_index(index, orbit_digest(part), {"num_pictures": total, "shots": shots})


def _entry(one: KitObject, views: tuple[View, ...]) -> dict[str, Any]:
    seen = [[view.azimuth_deg, view.elevation_deg] for view in views]
    return {**object_entry(one.seed, one.facts), "views": seen}


def _shot(entry: dict[str, Any]) -> OrbitShot:
    views = tuple(View(*map(float, view)) for view in entry["views"])
    return OrbitShot(entry["seed"], facts_of(entry), views)
