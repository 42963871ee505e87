"""What kit objects are called: an English and a Chinese grammar over the same facts.

English: ``[group] [article] [finish] [colour] noun [with [article] colour part [and ...]]``.
Chinese: ``一 measure [带 colour part [和 ...] 的] [finish] [colour] noun``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from common.kit.category import Category, Noun
from common.kit.palette import PALETTE, ColourName

Language = Literal["en", "zh"]
PatternName = Literal["", "stripes", "dots", "checks"]
PATTERN_NOUNS: dict[PatternName, Noun] = {
    "stripes": Noun("stripes", "条纹", plural=True),
    "dots": Noun("dots", "圆点", plural=True),
    "checks": Noun("checks", "格子", plural=True),
}
NOUNS_LEFT_OUT = frozenset({"bath tub", "burger", "football", "凤梨", "番茄"})
"""Nouns of the catalogue that captions do not use.

A football is an American one among the emoji. The others are words, or contain words, that the
picture models are tested on without having met them: every category's held-out synonyms and those
in ``common/training/emoji/data/emoji_synonyms.json``.
"""
PARTS_SAID = {
    "fields": Noun("patches", "翅膀花纹", plural=True),
    "jewels": Noun("gems", "宝石", plural=True),
    "salami": Noun("salami", "香肠片", plural=True),
    "small heart": Noun("centre", "小爱心"),
}
"""What captions say of parts whose names are tested words or read badly after a colour."""
MEASURES = {
    "猫": "只", "狗": "只", "熊": "只", "兔子": "只", "猪": "头", "老鼠": "只", "狐狸": "只", "熊猫": "只",
    "考拉": "只", "青蛙": "只", "猴子": "只", "奶牛": "头", "蒸汽火车": "列", "礼物盒": "个", "钟": "口",
}  # fmt: skip
"""The measure words of Chinese synonyms that are not counted as the category's own noun is."""


@dataclass(frozen=True)
class Facts:
    """What a caption may mention of one object."""

    category: Category
    main: ColourName
    accent: ColourName | None = None
    finish_english: str = ""
    finish_chinese: str = ""
    pattern: PatternName = ""
    pattern_colour: ColourName | None = None


@dataclass(frozen=True)
class Mention:
    """Which of the facts a caption mentions."""

    main: bool = True
    accent: bool = False
    finish: bool = False
    pattern: bool = False


FULL = Mention(True, True, True, True)


def caption(
    facts: Facts, mention: Mention = FULL, language: Language = "en", noun: str | None = None
) -> str:
    """One caption. ``noun`` replaces the category's first noun in that language."""
    said = noun or nouns(facts.category, language)[0]
    return _chinese(facts, mention, said) if language == "zh" else _english(facts, mention, said)


def nouns(category: Category, language: Language = "en") -> tuple[str, ...]:
    """What captions may call a category, its usual name first; held-out words are not among them.

    Only a caption that is given its noun can say another one.
    """
    noun = category.noun
    english, chinese = (noun.english, *noun.synonyms), (noun.chinese, *noun.chinese_synonyms)
    left_out = NOUNS_LEFT_OUT.union(noun.held_out_synonyms)
    return tuple(
        word for word in (english if language == "en" else chinese) if word not in left_out
    )


def mentions(facts: Facts) -> Iterator[Mention]:
    """Every distinct level of detail that is true and not misleading, from bare name to full.

    A bare name is given only to objects in a colour that they usually have.
    """
    accents = (False, True) if facts.accent else (False,)
    finishes = (False, True) if facts.finish_english else (False,)
    patterns = (False, True) if facts.pattern else (False,)
    if facts.main in facts.category.usual:
        yield Mention(main=False)
    for accent in accents:
        for finish in finishes:
            for pattern in patterns:
                yield Mention(True, accent, finish, pattern)


def training_caption(facts: Facts, rng: np.random.Generator, language: Language = "en") -> str:
    """A random caption for training: any level of detail, any of its nouns.

    The first noun is twice as likely as each other; held-out synonyms never occur.
    """
    choices = list(mentions(facts))
    first, *others = nouns(facts.category, language)
    words = (first, first, *others)
    mention = choices[int(rng.integers(len(choices)))]
    return caption(facts, mention, language, words[int(rng.integers(len(words)))])


def with_article(words: str) -> str:
    """English words with "a" or "an" before them, by the sound of the first."""
    vowel = words[0].lower() in "aeiou" and not words.startswith(("UFO", "uni", "use"))
    return f"{'an' if vowel else 'a'} {words}"


def _english(facts: Facts, mention: Mention, noun: str) -> str:
    words = []
    if mention.finish and facts.finish_english:
        words.append(facts.finish_english)
    if mention.main:
        words.append(facts.main)
    phrase = " ".join([*words, noun])
    if facts.category.noun.group:
        inner = phrase if facts.category.noun.plural else with_article(phrase)
        phrase = f"{facts.category.noun.group} {inner}"
    elif not facts.category.noun.plural:
        phrase = with_article(phrase)
    extras = [
        f"{colour} {part.english}" if part.plural else with_article(f"{colour} {part.english}")
        for colour, part in _extras(facts, mention)
    ]
    return f"{phrase} with {' and '.join(extras)}" if extras else phrase


def _chinese(facts: Facts, mention: Mention, noun: str) -> str:
    extras = [PALETTE[colour].chinese + part.chinese for colour, part in _extras(facts, mention)]
    carried = f"带{'和'.join(extras)}的" if extras else ""
    finish = facts.finish_chinese if mention.finish else ""
    colour = PALETTE[facts.main].chinese if mention.main else ""
    measure = MEASURES.get(noun, facts.category.noun.measure)
    return f"一{measure}{carried}{finish}{colour}{noun}"


def _extras(facts: Facts, mention: Mention) -> list[tuple[ColourName, Noun]]:
    extras: list[tuple[ColourName, Noun]] = []
    if mention.pattern and facts.pattern and facts.pattern_colour:
        extras.append((facts.pattern_colour, PATTERN_NOUNS[facts.pattern]))
    if mention.accent and facts.accent and facts.category.accent:
        part = facts.category.accent
        extras.append((facts.accent, PARTS_SAID.get(part.english, part)))
    return extras
