"""Which kit objects, from which views, each prepared set has.

``train`` obeys every rule of the kit's split. ``instances`` and ``pairs`` are measured on and never
trained on: held-out instances in trained colours, and in held-out (category, colour) pairs; both
are seen from everywhere, held-out bands included. ``turned`` and ``turned_instances`` are some of
``train`` and ``instances`` under a light that is turned at random: the kit's own stands still, and
would give away from where an apple is seen.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np

from common.kit.category import Category
from common.kit.instances import instance
from common.kit.kit_object import KitObject
from common.kit.split import (
    is_azimuth_held_out,
    is_colour_held_out,
    is_instance_held_out,
    read_split,
)
from common.kit.views import FRONT, View, sample_view
from common.seeding import stream_seed

NEAR_FRONT_DEG = 20.0


class KitPart(NamedTuple):
    """A prepared set of kit pictures."""

    name: Literal["train", "instances", "pairs", "turned", "turned_instances"]
    num_objects: int
    """Objects of each category, or of each pair."""
    num_views: int
    """Views of each object."""

    @property
    def is_trained_on(self) -> bool:
        """Whether it keeps to what the split leaves for training."""
        return self.name in ("train", "turned")

    @property
    def is_light_turned(self) -> bool:
        """Whether every picture has its own light."""
        return self.name in ("turned", "turned_instances")


TRAIN = KitPart("train", 64, 8)
INSTANCES = KitPart("instances", 6, 8)
PAIRS = KitPart("pairs", 2, 4)
TURNED = KitPart("turned", 32, 8)
TURNED_INSTANCES = KitPart("turned_instances", 6, 8)
PARTS = (TRAIN, INSTANCES, PAIRS, TURNED, TURNED_INSTANCES)


def objects_of(part: KitPart, category: Category) -> Iterator[KitObject]:
    """The objects of a part, always the same ones."""
    if part.name == "pairs":
        colours = sorted(c for name, c in read_split().colours if name == category.name)
        for colour in colours:
            for seed in _seeds(category, True, part.num_objects):
                yield instance(category, seed, main=colour)
        return
    found = 0
    for seed in _seeds(category, not part.is_trained_on, 100 * part.num_objects):
        one = instance(category, seed)
        if not is_colour_held_out(category.name, one.facts.main):
            yield one
            found += 1
        if found == part.num_objects:
            return


def _seeds(category: Category, held_out: bool, count: int) -> Iterator[int]:
    """The first ``count`` instance numbers that are, or are not, held out."""
    seed, found = 0, 0
    while found < count:
        if is_instance_held_out(category.name, seed) == held_out:
            yield seed
            found += 1
        seed += 1


def views_of(part: KitPart, one: KitObject) -> tuple[View, ...]:
    """The views of one object of a part.

    The first of every set is at the front: near it where it is trained on, exactly where it is
    measured on. In training the second is near the front too, because that is where prompts
    without a view are answered from.
    """
    rng = np.random.default_rng(stream_seed(one.seed, 0, f"kit views {part.name} {one.category}"))
    if part.is_trained_on:
        fronts = tuple(near_front_view(rng) for _ in range(2))
        views = (*fronts, *(trained_view(rng) for _ in range(part.num_views - 2)))
    else:
        views = (FRONT, *(sample_view(rng) for _ in range(part.num_views - 1)))
    if part.is_light_turned:
        views = tuple(replace(one, light_deg=float(rng.uniform(0.0, 360.0))) for one in views)
    return views


def near_front_view(rng: np.random.Generator) -> View:
    """A view within 20 degrees of the front, from the object's height or somewhat above."""
    view = sample_view(rng)
    azimuth = float(rng.uniform(-NEAR_FRONT_DEG, NEAR_FRONT_DEG)) % 360.0
    return View(azimuth, float(rng.uniform(0.0, 25.0)), view.fovy_deg, view.fill)


def trained_view(rng: np.random.Generator) -> View:
    """A view outside the held-out bands of azimuth."""
    view = sample_view(rng)
    while is_azimuth_held_out(view.azimuth_deg):
        view = sample_view(rng)
    return view
