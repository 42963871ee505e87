"""Clips of kit objects in motion, as arrays that are mapped, with what happens in each.

The cache folder ``kit_clips/<part>/`` gets, for every category, ``<category>-128.npy``, uint8
``(clips * 16, 128, 128, 4)`` with premultiplied alpha, the frames of a clip one after the other,
and ``<category>.json``: of each clip the object, motion, view, the seed of what was drawn, and what
was drawn. From that `filmed` makes the same clip again, with depth, parts and track.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache as cached
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from common.kit.catalogue import CATEGORIES
from common.kit.category import Category
from common.kit.clips import KitClip, render_clip
from common.kit.motions import motion_named
from common.kit.views import View
from common.training.emoji.emoji_cache import load_array, read_index, write_index
from common.training.kit.clip_parts import NUM_FRAMES, ClipPart, KitClipShot, object_of, shots_of
from common.training.kit.kit_store import (
    array_path,
    category_index,
    digest_with,
    facts_of,
    object_entry,
    open_index,
    sources_digest,
    to_bytes,
)
from common.training.pictures.array_files import fill_array

SIZE_PX = 128
PRESET = "prepare/clips"
_MOVE_NOTHING = ("__init__.py", "captions.py")
"""Sources of the kit on which no clip depends."""


@dataclass(frozen=True)
class KitClipSet:
    """Prepared clips of one category: frame ``f`` of shot ``i`` is row ``i * 16 + f``."""

    category: Category
    shots: tuple[KitClipShot, ...]
    pixels: UInt8[np.ndarray, "n h w 4"]

    def frames(self, index: int) -> UInt8[np.ndarray, "f h w 4"]:
        """The frames of one shot, premultiplied: a view of the mapped file, not a copy."""
        return self.pixels[index * NUM_FRAMES : (index + 1) * NUM_FRAMES]


def prepare_kit_clips(cache: Path, part: ClipPart) -> Iterator[tuple[Category, int]]:
    """Render the categories that ``cache`` does not have.

    Yields:
        Each category with the number of its clips, when they are there.
    """
    for category in CATEGORIES:
        index = kit_clip_index(cache, part, category)
        if read_index(index, kit_clip_digest(part)) is None:
            _store(index, category, part)
        yield category, len(open_index(index, kit_clip_digest(part), PRESET)["shots"])


def load_kit_clips(cache: Path, part: ClipPart) -> tuple[KitClipSet, ...]:
    """Map all prepared clips of one part, in the order of the catalogue.

    Categories with no clip in this part are left out.

    Raises:
        InputError: a category is not prepared from the present kit, or a file is damaged.
    """
    found = []
    for category in CATEGORIES:
        path = kit_clip_index(cache, part, category)
        shots = tuple(map(_shot, open_index(path, kit_clip_digest(part), PRESET)["shots"]))
        if shots:
            pixels = load_array(array_path(path, SIZE_PX), len(shots) * NUM_FRAMES, SIZE_PX)
            found.append(KitClipSet(category, shots, pixels))
    return tuple(found)


def filmed(shot: KitClipShot) -> KitClip:
    """A clip with its whole ground truth, the same to the bit whenever it is made."""
    rng = np.random.default_rng(shot.rng_seed)
    return render_clip(object_of(shot), shot.motion, shot.view, NUM_FRAMES, rng, SIZE_PX)


def kit_clip_digest(part: ClipPart) -> str:
    """What the clips of a part are made by: the kit's sources, motions included, and how many."""
    return digest_with(_moving_digest(), NUM_FRAMES, SIZE_PX, *part)


def kit_clip_index(cache: Path, part: ClipPart, category: Category) -> Path:
    """The index file of a category's clips."""
    return category_index(cache, "kit_clips", part.name, category)


@cached
def _moving_digest() -> str:
    return sources_digest(_MOVE_NOTHING)


def _store(index: Path, category: Category, part: ClipPart) -> None:
    """Render one category; the index is written last."""
    index.unlink(missing_ok=True)
    shots = list(shots_of(part, category))
    shape = (len(shots) * NUM_FRAMES, SIZE_PX, SIZE_PX, 4)
    drawn = (to_bytes(filmed(shot).frames.rgba) for shot in shots)
    fill_array(array_path(index, SIZE_PX), shape, np.uint8, drawn)
    write_index(index, kit_clip_digest(part), {"shots": [_entry(shot) for shot in shots]})


def _entry(shot: KitClipShot) -> dict[str, Any]:
    view = shot.view
    return {
        **object_entry(shot.seed, shot.facts),
        "motion": shot.motion.name,
        "view": [view.azimuth_deg, view.elevation_deg, view.fovy_deg, view.fill],
        "rng_seed": shot.rng_seed,
        "parameters": shot.parameters,
        "sounds": shot.sounds,
    }


def _shot(entry: dict[str, Any]) -> KitClipShot:
    sounds = entry["sounds"]
    return KitClipShot(
        entry["seed"],
        facts_of(entry),
        motion_named(entry["motion"]),
        View(*map(float, entry["view"])),
        entry["rng_seed"],
        entry["parameters"],
        tuple(sounds) if sounds else None,
    )
