"""What is held out of training, as data: ``split.json`` beside this file.

Four rules, each for one kind of generalisation: (object, colour) pairs, (object, motion) pairs,
bands of camera azimuth, and instances whose hash falls below a share. The pairs were drawn once
with `draw_split` and are kept as a list, so they do not move when categories are added.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from common.kit.catalogue import CATEGORIES
from common.kit.kit_object import KitObject
from common.kit.motions import MOTIONS, MotionName, suits
from common.kit.palette import ColourName
from common.kit.real import Real
from common.kit.views import View

SPLIT_FILE = Path(__file__).with_name("split.json")
PAIR_SHARE = 0.1


@dataclass(frozen=True)
class Split:
    """The held-out sets."""

    colours: frozenset[tuple[str, ColourName]]
    """(category, main colour) pairs."""
    motions: frozenset[tuple[str, MotionName]]
    """(category, motion) pairs."""
    azimuth_bands_deg: tuple[tuple[float, float], ...]
    """Half-open ranges of camera azimuth."""
    instance_share: float
    """Share of the instances of every category."""


@cache
def read_split() -> Split:
    """The committed split."""
    data = json.loads(SPLIT_FILE.read_text(encoding="utf-8"))
    return Split(
        frozenset((name, colour) for name, rows in data["colours"].items() for colour in rows),
        frozenset((name, motion) for name, rows in data["motions"].items() for motion in rows),
        tuple((float(low), float(high)) for low, high in data["azimuth_bands_deg"]),
        float(data["instance_share"]),
    )


def is_colour_held_out(category: str, colour: ColourName) -> bool:
    """True if no training sample shows this category in this main colour."""
    return (category, colour) in read_split().colours


def is_motion_held_out(category: str, motion: MotionName) -> bool:
    """True if no training clip shows this category in this motion."""
    return (category, motion) in read_split().motions


def is_azimuth_held_out(azimuth_deg: Real) -> bool:
    """True if the azimuth, modulo 360 degrees, lies in a held-out band."""
    azimuth = azimuth_deg % 360.0
    return any(low <= azimuth < high for low, high in read_split().azimuth_bands_deg)


def is_instance_held_out(category: str, seed: int) -> bool:
    """True for a fixed share of the instances of every category, chosen by hash."""
    digest = hashlib.sha256(f"kit/held-out/{category}/{seed}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < read_split().instance_share


def is_held_out(
    kit_object: KitObject, view: View | None = None, motion: MotionName | None = None
) -> bool:
    """True if any rule keeps this sample out of training."""
    name = kit_object.category
    return (
        is_instance_held_out(name, kit_object.seed)
        or is_colour_held_out(name, kit_object.facts.main)
        or (view is not None and is_azimuth_held_out(view.azimuth_deg))
        or (motion is not None and is_motion_held_out(name, motion))
    )


def draw_split(seed: int = 3) -> dict[str, object]:
    """The contents of ``split.json`` for the present catalogue.

    A tenth of all (category, colour) pairs, drawn among the unusual ones so that every category
    can be learnt in its own colours, and a tenth of all (category, motion) pairs. Categories that
    usually have any colour take part with all of theirs.
    """
    rng = np.random.default_rng(seed)
    colours: dict[str, list[str]] = {}
    motions: dict[str, list[str]] = {}
    num_colours = sum(len(category.colours) for category in CATEGORIES)
    rare = [(category.name, name) for category in CATEGORIES for name in category.colours
            if name not in category.usual or len(category.usual) == len(category.colours)]  # fmt: skip
    for index in rng.permutation(len(rare))[: round(PAIR_SHARE * num_colours)]:
        colours.setdefault(rare[index][0], []).append(rare[index][1])
    pairs = [(category.name, motion.name) for category in CATEGORIES for motion in MOTIONS
             if suits(motion, category)]  # fmt: skip
    for index in rng.permutation(len(pairs))[: round(PAIR_SHARE * len(pairs))]:
        motions.setdefault(pairs[index][0], []).append(pairs[index][1])
    return {
        "colours": {name: sorted(colours[name]) for name in sorted(colours)},
        "motions": {name: sorted(motions[name]) for name in sorted(motions)},
        "azimuth_bands_deg": [[50, 62], [168, 180], [286, 298]],
        "instance_share": 0.1,
    }
