"""The pictures that training can draw from, as config, and opening them from the cache."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, assert_never

import numpy as np
from pydantic import Field

from common.config import BY_NAME, Config
from common.errors import InputError
from common.training.emoji.emoji_clips import EmojiClips, load_clips
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_split import autoencoder_keys, load_split
from common.training.emoji.emoji_stills import load_stills
from common.training.kit.clip_parts import NUM_FRAMES
from common.training.kit.kit_clips import KitClipSet
from common.training.kit.kit_parts import TRAIN
from common.training.kit.kit_pictures import KitCategorySet, load_kit
from common.training.pictures.picture_pools import PicturePool, WeightedPool, pool_of_rows


class EmojiStillSource(Config):
    """The emoji stills, each as likely as the others."""

    name: Literal["emoji_stills"] = "emoji_stills"
    weight: float = Field(1.0, gt=0)
    """How often it is drawn from, relative to the other sources."""


class EmojiClipSource(Config):
    """Single frames of the emoji animations, each animation as likely as the others."""

    name: Literal["emoji_clips"] = "emoji_clips"
    weight: float = Field(1.0, gt=0)
    """How often it is drawn from, relative to the other sources."""


class KitSource(Config):
    """Views of kit objects, each object as likely as the others."""

    name: Literal["kit"] = "kit"
    weight: float = Field(1.0, gt=0)
    """How often it is drawn from, relative to the other sources."""


PictureSource = Annotated[EmojiStillSource | EmojiClipSource | KitSource, BY_NAME]
"""Any source of pictures, chosen by its ``name``."""


def open_pools(
    sources: Sequence[PictureSource], cache: Path, size_px: int
) -> tuple[WeightedPool, ...]:
    """Map the sources without what is held out from reconstruction.

    Raises:
        InputError: a source is not prepared.
    """
    keys = autoencoder_keys(load_concepts(), load_split())
    return tuple(WeightedPool(_open(s, cache, size_px, keys), s.weight) for s in sources)


def _open(source: PictureSource, cache: Path, size_px: int, keys: tuple[str, ...]) -> PicturePool:
    match source:
        case EmojiStillSource():
            stills = load_stills(cache, size_px)
            return pool_of_rows(stills.pixels, stills.rows(keys))
        case EmojiClipSource():
            return clip_pool(load_clips(cache, size_px), frozenset(keys))
        case KitSource():
            return kit_pool(load_kit(cache, TRAIN, size_px))
        case _:
            assert_never(source)


def kit_pool(sets: Sequence[KitCategorySet]) -> PicturePool:
    """A pool with a group for each object."""
    shard = [index for index, one in enumerate(sets) for _ in one.shots]
    first = [place * one.num_views for one in sets for place in range(len(one.shots))]
    count = [one.num_views for one in sets for _ in one.shots]
    return PicturePool(
        tuple(one.pixels for one in sets),
        np.array(shard, dtype=np.int64),
        np.array(first, dtype=np.int64),
        np.array(count, dtype=np.int64),
    )


def kit_clip_pool(sets: Sequence[KitClipSet]) -> PicturePool:
    """A pool with a group for each clip of a kit object."""
    shard = [index for index, one in enumerate(sets) for _ in one.shots]
    first = [place * NUM_FRAMES for one in sets for place in range(len(one.shots))]
    return PicturePool(
        tuple(one.pixels for one in sets),
        np.array(shard, dtype=np.int64),
        np.array(first, dtype=np.int64),
        np.full(len(shard), NUM_FRAMES, dtype=np.int64),
    )


def clip_pool(clips: EmojiClips, keys: frozenset[str]) -> PicturePool:
    """A pool with a group for each animation of ``keys``.

    Raises:
        InputError: none of them is animated.
    """
    kept = [clip for clip in clips.clips if clip.key in keys]
    if not kept:
        raise InputError(f"none of the {len(clips.clips)} animations is of the {len(keys)} keys")
    return PicturePool(
        clips.shards,
        np.array([clip.shard for clip in kept], dtype=np.int64),
        np.array([clip.first_frame for clip in kept], dtype=np.int64),
        np.array([clip.num_frames for clip in kept], dtype=np.int64),
    )
