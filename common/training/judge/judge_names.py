"""The names that scores choose from, written as data that scoring can load alone."""

import json
from dataclasses import astuple
from pathlib import Path

from common.atomic import write_text
from common.judging.names import NAMES, Name, Names
from common.kit.captions import Facts, Mention, caption
from common.kit.catalogue import CATEGORIES
from common.kit.palette import PALETTE
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_split import load_split


def build_names() -> Names:
    """The judge's emoji names, the catalogue and the palette in both languages."""
    concepts = load_concepts()
    emoji = tuple(
        Name(key, concepts[key].en.names[0], concepts[key].zh.names[0])
        for key in load_split().judge_names
    )
    bare = Mention(main=False)
    objects = []
    for category in CATEGORIES:
        facts = Facts(category, category.usual[0])
        said = caption(facts, bare, "en"), caption(facts, bare, "zh")
        objects.append(Name(category.name, *said))
    colours = tuple(Name(swatch.name, swatch.name, swatch.chinese) for swatch in PALETTE.values())
    return Names(emoji, tuple(objects), colours)


def save_names(names: Names, path: Path = NAMES) -> None:
    """Write the list, one name a line."""
    parts = []
    for part in ("emoji", "objects", "colours"):
        rows = [json.dumps(astuple(name), ensure_ascii=False) for name in getattr(names, part)]
        parts.append(f"{json.dumps(part)}: [\n" + ",\n".join(rows) + "\n]")
    write_text(path, "{\n" + ",\n".join(parts) + "\n}\n")
