"""The part of ``run.py list concepts`` on the embedded prior."""

import textwrap
from collections.abc import Sequence

from common.embedded.concepts import Concepts, KnownEmoji, KnownThing, load_concepts

_WIDTH = 100
_NUM_EXAMPLES = 3
_NO_BREAK = "\u00a0"
_GROUPS = {
    "smileys-emotion": "smileys and emotion 笑脸与情感",
    "people-body": "people and body 人物与身体",
    "animals-nature": "animals and nature 动物与自然",
    "food-drink": "food and drink 食物与饮料",
    "travel-places": "travel and places 旅行与地点",
    "activities": "activities 活动",
    "objects": "objects 物品",
    "symbols": "symbols 符号",
    "flags": "flags 旗帜",
}
_LOOKALIKES = {
    "country_flag": "flags of countries",
    "keycap": "keycaps",
    "gender": "men and women doing what a person does",
    "hair": "faces that differ in hair",
    "family": "families and couples",
    "clock": "clock faces",
    "size": "squares and diamonds that differ in size",
    "sign": "glyphs on buttons",
    "twin": "twins of other emoji",
}


def embedded_text() -> str:
    """What the embedded prior was trained on, in both languages."""
    concepts = load_concepts()
    low, high = concepts.elevation_deg
    colours = [f"{term.english} {term.chinese}" for term in concepts.colours]
    finishes = [f"{term.english} {term.chinese}" for term in concepts.finishes]
    return "\n".join([
        "embedded prior (trained on emoji and on a kit of 3-D things)",
        f"  {len(concepts.things)} things, from all sides (elevation {low:g} to {high:g} degrees); "
        "each with its usual colours, and a part with a colour of its own",
        *_filled("in colours: ", colours),
        *_filled("and with: ", finishes),
        *(f"    {_thing(thing, concepts)}" for thing in concepts.things),
        f"  {sum(not one.lookalike for one in concepts.emoji)} emoji, from the front",
        *_groups(concepts.emoji),
        f"  {sum(bool(one.lookalike) for one in concepts.emoji)} emoji that look like others, "
        "trained less",
        *_lookalikes(concepts.emoji),
    ])  # fmt: skip


def _thing(thing: KnownThing, concepts: Concepts) -> str:
    usual = ", ".join(thing.usual)
    colours = "any colour" if len(thing.usual) == len(concepts.colours) else usual
    part = f"; {thing.part.english} {thing.part.chinese}" if thing.part else ""
    return f"{thing.english[0]} {thing.chinese[0]} ({colours}{part})"


def _groups(emoji: Sequence[KnownEmoji]) -> list[str]:
    lines: list[str] = []
    for group, title in _GROUPS.items():
        names = [_both(one) for one in emoji if one.group == group and not one.lookalike]
        lines += _filled(f"{title} ({len(names)}): ", names)
    return lines


def _lookalikes(emoji: Sequence[KnownEmoji]) -> list[str]:
    lines: list[str] = []
    for kind, title in _LOOKALIKES.items():
        names = [_both(one) for one in emoji if one.lookalike == kind]
        more = ["..."] if len(names) > _NUM_EXAMPLES else []
        lines += _filled(f"{title} ({len(names)}): ", names[:_NUM_EXAMPLES] + more)
    return lines


def _both(one: KnownEmoji) -> str:
    return f"{one.english[0]} {one.chinese[0]}"


def _filled(title: str, items: Sequence[str]) -> list[str]:
    """Lines of a list, broken between items only."""
    whole = [item.replace(" ", _NO_BREAK) for item in items]
    lines = textwrap.wrap(
        title + "; ".join(whole), _WIDTH, initial_indent="    ", subsequent_indent="      ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace(_NO_BREAK, " ") for line in lines]
