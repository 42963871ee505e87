"""Prepared pictures of kit objects that have a pose, with their joints.

Joints are not prepared: they are told anew by geometry, which takes a minute for all of training.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from common.kit.instances import instance
from common.training.kit.kit_truths import SIZE_PX, KitTruthSet
from common.training.pose.kit_joints import has_pose, seen_joints


def posed_truths(sets: Sequence[KitTruthSet]) -> tuple[list[KitTruthSet], list[int]]:
    """The sets of categories that have a pose, and their rows among all."""
    posed: list[KitTruthSet] = []
    rows: list[int] = []
    start = 0
    for one in sets:
        if has_pose(one.category.name):
            posed.append(one)
            rows += range(start, start + len(one.pixels))
        start += len(one.pixels)
    return posed, rows


def joints_of_set(one: KitTruthSet) -> Float[np.ndarray, "n 14 2"]:
    """The joints that each picture of a category shows, pixels; NaN where it does not."""
    shown = []
    for shot in one.shots:
        thing = instance(one.category, shot.seed, main=shot.facts.main, accent=shot.facts.accent)
        seen = seen_joints(thing, shot.views, SIZE_PX)
        shown += [seen.shown(view) for view in range(len(shot.views))]
    return np.stack(shown)
