"""Writes the prompts on which priors are evaluated: ``common/evaluation/data/prompts.json``.

After a change of the emoji split or of the kit's catalogue or split, ``store_evaluation_prompts``
writes them anew.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from common.atomic import write_text
from common.evaluation.prompt_sets import PROMPTS
from common.kit.captions import Facts, Language, Mention, caption
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.category import Category
from common.kit.palette import COLOUR_NAMES, ColourName
from common.kit.split import is_colour_held_out, read_split
from common.seeding import stream_seed
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_split import load_split
from common.training.emoji.emoji_synonyms import load_synonyms

Row = dict[str, Any]


def evaluation_prompts() -> dict[str, list[Row]]:
    """Every set by name: its prompts with what they ask for."""
    return {
        "emoji": _emoji("en"),
        "emoji_zh": _emoji("zh"),
        "objects": [_object(category, "en") for category in CATEGORIES],
        "objects_zh": [_object(category, "zh") for category in CATEGORIES],
        "pairs": pair_rows(),
        "accents": [_two_colours(category) for category in CATEGORIES if category.accent],
        "synonyms": _synonyms(),
    }


def store_evaluation_prompts(path: Path = PROMPTS) -> int:
    """Write the file; the number of prompts."""
    sets = evaluation_prompts()
    write_rows(path, sets)
    return sum(map(len, sets.values()))


def write_rows(path: Path, sets: Mapping[str, list[Row]]) -> None:
    """Write sets of prompts, a line each."""
    lines = []
    for name, rows in sets.items():
        listed = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in rows)
        lines.append(f"{json.dumps(name)}: [\n{listed}\n]")
    write_text(path, "{\n" + ",\n".join(lines) + "\n}\n")


def _emoji(language: Language) -> list[Row]:
    """The trained concepts on which alignment is measured, by their names."""
    concepts = load_concepts()
    keys = sorted(load_split().alignment)
    names = [concepts[key].wording(language).names[0] for key in keys]
    return [
        {"prompt": name, "concepts": [key], "language": language}
        for key, name in zip(keys, names, strict=True)
    ]


def _object(category: Category, language: Language) -> Row:
    """A category in one of its usual colours that training has shown."""
    facts = Facts(category, trained_colour(category))
    said = caption(facts, Mention(main=True), language)
    return {
        "prompt": said, "concepts": [category.name], "colour": facts.main, "language": language
    }  # fmt: skip


def pair_rows() -> list[Row]:
    """The (category, colour) pairs that training never shows."""
    rows = []
    for name, colour in sorted(read_split().colours):
        said = caption(Facts(category_named(name), colour), Mention(main=True))
        rows.append({"prompt": said, "concepts": [name], "colour": colour, "language": "en"})
    return rows


def _two_colours(category: Category) -> Row:
    """A category in a trained main colour with a part in another."""
    main = trained_colour(category)
    rng = np.random.default_rng(stream_seed(0, 0, f"evaluated accent {category.name}"))
    options = [name for name in category.accents if name != main]
    usual = [name for name in options if name in category.usual_accents] or options
    accent = usual[int(rng.integers(len(usual)))]
    said = caption(Facts(category, main, accent), Mention(main=True, accent=True))
    return {
        "prompt": said, "concepts": [category.name], "colour": main, "accent": accent,
        "language": "en",
    }  # fmt: skip


def _synonyms() -> list[Row]:
    """Words that no caption of a training picture has, with every emoji that answers them."""
    return [
        {"prompt": one.prompt, "concepts": list(one.keys), "language": one.language}
        for one in load_synonyms()
    ]


def trained_colour(category: Category) -> ColourName:
    """One of its usual colours, else any, that is not held out for it."""
    rng = np.random.default_rng(stream_seed(0, 0, f"evaluated colour {category.name}"))
    order = [COLOUR_NAMES[index] for index in rng.permutation(len(COLOUR_NAMES))]
    allowed = [c for c in order if c in category.colours]
    shown = [c for c in allowed if not is_colour_held_out(category.name, c)]
    return next((c for c in shown if c in category.usual), shown[0])
