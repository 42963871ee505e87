"""Writes the prompts on which clips and assets are evaluated.

``common/evaluation/data/clips.json``: every (object, motion) pair that training never shows, in
English and in Chinese, and pairs that it does show, every motion as often. ``assets.json``: objects
in colours that training never shows them in, such objects that have one front, and things that only
the emoji have, of which training shows no other side than the front. After a change of the kit's
catalogue or split or of the emoji split, ``store_frame_prompts`` writes them anew.
"""

from collections.abc import Sequence

import numpy as np

from common.evaluation.frame_prompts import ASSETS, CLIPS
from common.kit.captions import Facts, Language, Mention, caption
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.motions import MOTIONS, Motion, motion_caption, motion_named, suits
from common.kit.split import is_motion_held_out, read_split
from common.seeding import stream_seed
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_phrases import with_article
from common.training.facts.evaluation_prompts import Row, pair_rows, trained_colour, write_rows

NUM_TRAINED_OF_A_MOTION = 8
NUM_ASSETS = 20
EMOJI_ASSETS = (
    "dragon face", "elephant", "lion", "moai", "onion", "skull", "popcorn", "telephone",
    "bubble tea", "briefcase",
)  # fmt: skip
"""Single things with a body, none of which the kit has."""
FRONTED = (
    "airplane", "alarm clock", "alien", "bear face", "cat face", "chick", "cow face", "face",
    "frog face", "frying pan", "ghost", "hot dog", "koala face", "ladybird", "monkey face", "pear",
    "pig face", "pizza", "pumpkin", "rabbit face", "spider", "star", "teddy bear", "truck",
    "watermelon",
)  # fmt: skip
"""Objects whose front is not like their back, and on whose true instances, the first three in such
a colour, the judge tells one front (``threed.evaluation.front_look``)."""


def store_frame_prompts() -> int:
    """Write both files; the number of prompts."""
    clips, assets = clip_prompts(), asset_prompts()
    write_rows(CLIPS, clips)
    write_rows(ASSETS, assets)
    return sum(map(len, (*clips.values(), *assets.values())))


def clip_prompts() -> dict[str, list[Row]]:
    """The sets of clips by name."""
    held_out = sorted(read_split().motions)
    return {
        "held_out": [_clip(name, motion_named(motion), "en") for name, motion in held_out],
        "held_out_zh": [_clip(name, motion_named(motion), "zh") for name, motion in held_out],
        "trained": [_clip(name, motion, "en") for motion in MOTIONS for name in _shown(motion)],
    }


def asset_prompts() -> dict[str, list[Row]]:
    """The sets of assets by name."""
    rows = pair_rows()
    fronted = [row for row in rows if row["concepts"][0] in FRONTED]
    concepts = load_concepts()
    key_of = {concept.en.names[0]: key for key, concept in concepts.items()}
    return {
        "held_out": _of_as_many_objects(rows, "evaluated assets"),
        "fronted": _of_as_many_objects(fronted, "evaluated fronts"),
        "emoji": [
            {"prompt": _said(name), "concepts": [key_of[name]], "language": "en"}
            for name in EMOJI_ASSETS
        ],
    }


def _of_as_many_objects(rows: Sequence[Row], what: str) -> list[Row]:
    """One row each of `NUM_ASSETS` objects, chosen at random."""
    rng = np.random.default_rng(stream_seed(0, 0, what))
    chosen: dict[str, Row] = {}
    for index in rng.permutation(len(rows)).tolist():
        chosen.setdefault(rows[index]["concepts"][0], rows[index])
    return list(chosen.values())[:NUM_ASSETS]


def _said(name: str) -> str:
    """A name as people ask for the thing."""
    return name if name in ("popcorn", "bubble tea") else with_article(name)


def _clip(name: str, motion: Motion, language: Language) -> Row:
    """A category in a usual, trained colour that moves."""
    category = category_named(name)
    colour = trained_colour(category)
    facts, mention = Facts(category, colour), Mention(main=True)
    return {
        "prompt": motion_caption(facts, motion, language, mention),
        "caption": caption(facts, mention, language),
        "concepts": [name], "colour": colour, "motion": motion.name, "language": language,
    }  # fmt: skip


def _shown(motion: Motion) -> list[str]:
    """Categories that training shows in this motion, chosen at random."""
    names = [
        category.name for category in CATEGORIES
        if suits(motion, category) and not is_motion_held_out(category.name, motion.name)
    ]  # fmt: skip
    rng = np.random.default_rng(stream_seed(0, 0, f"evaluated motion {motion.name}"))
    return [names[index] for index in rng.permutation(len(names))[:NUM_TRAINED_OF_A_MOTION]]
