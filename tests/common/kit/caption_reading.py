"""Reads kit captions back into what they say; shares no code with the grammar that wrote them."""

import re
from dataclasses import dataclass

from common.kit.catalogue import CATEGORIES
from common.kit.category import Category

COLOURS = {
    "red": "红色", "orange": "橙色", "yellow": "黄色", "green": "绿色", "cyan": "青色",
    "blue": "蓝色", "purple": "紫色", "pink": "粉色", "brown": "棕色", "black": "黑色",
    "grey": "灰色", "white": "白色",
}  # fmt: skip
PATTERNS = {"stripes": "条纹", "dots": "圆点", "checks": "格子"}
RENAMED = {"fields": "patches", "jewels": "gems", "small heart": "centre"}
"""Parts that captions call otherwise."""


@dataclass(frozen=True)
class Said:
    """What a caption says; None or "" where it is silent."""

    category: str
    main: str | None
    accent: str | None
    finish: bool
    pattern: str
    pattern_colour: str | None


def english_nouns() -> dict[str, Category]:
    return {n: c for c in CATEGORIES for n in (c.noun.english, *c.noun.synonyms)}


def chinese_nouns() -> dict[str, Category]:
    return {n: c for c in CATEGORIES for n in (c.noun.chinese, *c.noun.chinese_synonyms)}


def read_english(caption: str) -> Said:
    """A caption of one English sentence part, read from the left.

    Raises:
        ValueError: it is not in the grammar.
    """
    subject, _, carried = caption.partition(" with ")
    groups = sorted({c.noun.group for c in CATEGORIES if c.noun.group}, key=len, reverse=True)
    start = re.match("|".join(f"{group} " for group in groups) + "|an? ", subject)
    if not start:
        raise ValueError(f"no article or group: {caption}")
    words = subject[start.end() :]
    finish = words.startswith("metallic ")
    words = words.removeprefix("metallic ")
    first, _, others = words.partition(" ")
    main = first if first in COLOURS and others else None
    noun = others if main else words
    category = english_nouns()[noun]
    counted = start.group().strip()
    if counted not in ((category.noun.group,) if category.noun.group else ("a", "an")):
        raise ValueError(f"{noun} is not counted with {start.group()!r}: {caption}")
    accent, pattern, pattern_colour = _english_extras(carried, category)
    return Said(category.name, main, accent, finish, pattern, pattern_colour)


def _english_extras(carried: str, category: Category) -> tuple[str | None, str, str | None]:
    accent, pattern, pattern_colour = None, "", None
    part = category.accent.english if category.accent else ""
    part = RENAMED.get(part, part)
    # "and" may stand inside a part's name, so extras are told apart by their colour word.
    for extra in (
        re.split(rf" and (?=(?:an? )?(?:{'|'.join(COLOURS)}) )", carried) if carried else ()
    ):
        found = re.fullmatch(rf"(?:an? )?({'|'.join(COLOURS)}) (.+)", extra)
        if found and found[2] == part:
            accent = found[1]
        elif found and found[2] in PATTERNS:
            pattern_colour, pattern = found[1], found[2]
        else:
            raise ValueError(f"a {category.name} has no {extra!r}")
    return accent, pattern, pattern_colour


def read_chinese(caption: str) -> Said:
    """A Chinese caption, read from its noun at the end.

    Raises:
        ValueError: it is not in the grammar.
    """
    english = {chinese: name for name, chinese in COLOURS.items()}
    colour = "|".join(english)
    for noun, category in sorted(chinese_nouns().items(), key=lambda pair: -len(pair[0])):
        part = category.accent.chinese if category.accent else "$^"
        pattern = "|".join(word for word in PATTERNS.values() if word != part)
        found = re.fullmatch(
            rf"一\w(?:带(?:({colour})({pattern}))?和?(?:({colour}){part})?的)?"
            rf"(金属)?({colour})?{noun}",
            caption,
        )
        if found:
            main, accent, second = (english.get(found[i]) for i in (5, 3, 1))
            name = {chinese: name for name, chinese in PATTERNS.items()}.get(found[2], "")
            return Said(category.name, main, accent, bool(found[4]), name, second)
    raise ValueError(f"not a caption: {caption}")
