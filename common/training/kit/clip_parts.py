"""Which kit clips each prepared set has: what moves, how, and seen from where.

``train`` obeys every rule of the kit's split. The others are what is measured on and never trained
on, seen exactly from the front: ``instances`` are held-out instances in trained motions, ``pairs``
held-out instances in held-out (category, motion) pairs. Colours are trained ones everywhere, so
that each part asks one question.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache as cached
from typing import Literal, NamedTuple

import numpy as np

from common.kit.captions import Facts
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.category import Category
from common.kit.instances import instance
from common.kit.kit_object import KitObject
from common.kit.motions import MOTIONS, Motion, Track, suits, track
from common.kit.split import is_motion_held_out
from common.kit.views import FRONT, View
from common.seeding import stream_seed
from common.training.kit.kit_parts import KitPart, near_front_view, objects_of, trained_view

NUM_FRAMES = 16
NUM_MEASURED_MOTIONS = 3
"""Motions of each category in ``instances``."""
FRONTS_OF_FOUR = 3
"""How many of four training clips are seen near the front."""


class ClipPart(NamedTuple):
    """A prepared set of kit clips."""

    name: Literal["train", "instances", "pairs"]
    num_clips: int
    """Clips of each category in each motion, each of another object."""


TRAIN_CLIPS = ClipPart("train", 4)
INSTANCE_CLIPS = ClipPart("instances", 1)
PAIR_CLIPS = ClipPart("pairs", 2)
CLIP_PARTS = (TRAIN_CLIPS, INSTANCE_CLIPS, PAIR_CLIPS)


@dataclass(frozen=True)
class KitClipShot:
    """All that a clip follows from, and what follows from it without rendering."""

    seed: int
    facts: Facts
    motion: Motion
    view: View
    rng_seed: int
    """Seed of the generator that the motion's numbers are drawn from."""
    parameters: dict[str, float]
    """What was drawn: turns, amplitudes, directions."""
    sounds: tuple[str, ...] | None
    """What is said at every frame; None unless it talks."""


def shots_of(part: ClipPart, category: Category) -> Iterator[KitClipShot]:
    """The clips of a part, always the same ones: motion after motion, each of another object."""
    wanted = [
        (motion, take) for motion in motions_of(part, category) for take in range(part.num_clips)
    ]
    kind: Literal["train", "instances"] = "train" if part.name == "train" else "instances"
    objects = objects_of(KitPart(kind, len(wanted), 0), category)
    for one, (motion, take) in zip(objects, wanted, strict=True):
        yield _shot(part, one, motion, take)


def motions_of(part: ClipPart, category: Category) -> tuple[Motion, ...]:
    """The motions in which a part shows a category."""
    match part.name:
        case "train":
            return _suitable(category, held_out=False)
        case "pairs":
            return _suitable(category, held_out=True)
        case "instances":
            return _measured_motions()[category.name]


def object_of(shot: KitClipShot) -> KitObject:
    """What moves in a clip, as it is at rest."""
    return instance(category_named(shot.facts.category.name), shot.seed)


def track_of(shot: KitClipShot) -> Track:
    """The ground truth of a clip, to the bit, without its pictures."""
    return _track(object_of(shot), shot.motion, shot.view, shot.rng_seed)


def _shot(part: ClipPart, one: KitObject, motion: Motion, take: int) -> KitClipShot:
    purpose = f"kit clip {part.name} {one.category} {motion.name}"
    view = _view(part, motion, take, stream_seed(one.seed, take, f"{purpose} view"))
    rng_seed = stream_seed(one.seed, take, purpose)
    moving = _track(one, motion, view, rng_seed)
    sounds = moving.speech.sounds if moving.speech else None
    return KitClipShot(one.seed, one.facts, motion, view, rng_seed, moving.parameters, sounds)


def _view(part: ClipPart, motion: Motion, take: int, seed: int) -> View:
    """Near the front for three takes of four, and whenever it talks: no mouth is seen from behind.

    What is measured is seen exactly from the front.
    """
    if part.name != "train":
        return FRONT
    rng = np.random.default_rng(seed)
    near = take % 4 < FRONTS_OF_FOUR or motion.name == "talk"
    return near_front_view(rng) if near else trained_view(rng)


def _track(one: KitObject, motion: Motion, view: View, rng_seed: int) -> Track:
    points = np.concatenate([part.mesh.vertices for part in one.parts])
    return track(motion, NUM_FRAMES, np.random.default_rng(rng_seed), points, view)


def _suitable(category: Category, held_out: bool) -> tuple[Motion, ...]:
    return tuple(
        motion
        for motion in MOTIONS
        if suits(motion, category) and is_motion_held_out(category.name, motion.name) == held_out
    )


@cached
def _measured_motions() -> dict[str, tuple[Motion, ...]]:
    """Three trained motions of each category, chosen so that all motions occur alike.

    The catalogue is gone through once; each category takes those of its motions that were taken
    least often so far. So talking, which few can do, is taken by all who can.
    """
    taken = {motion.name: 0 for motion in MOTIONS}
    chosen = {}
    for category in CATEGORIES:
        possible = _suitable(category, held_out=False)
        rarest = sorted(possible, key=lambda motion: taken[motion.name])[:NUM_MEASURED_MOTIONS]
        for motion in rarest:
            taken[motion.name] += 1
        chosen[category.name] = tuple(rarest)
    return chosen
