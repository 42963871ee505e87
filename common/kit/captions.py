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
    """One caption. ``noun`` replaces the category's noun by a synonym in that language."""
    if language == "zh":
        return _chinese(facts, mention, noun or facts.category.noun.chinese)
    return _english(facts, mention, noun or facts.category.noun.english)


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
    """A random caption for training: any level of detail, the noun or one of its synonyms.

    Held-out synonyms never occur.
    """
    choices = list(mentions(facts))
    noun = facts.category.noun
    nouns = (
        (noun.english, noun.english, *noun.synonyms)
        if language == "en"
        else (noun.chinese, noun.chinese, *noun.chinese_synonyms)
    )
    mention = choices[int(rng.integers(len(choices)))]
    return caption(facts, mention, language, nouns[int(rng.integers(len(nouns)))])


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
    return f"一{facts.category.noun.measure}{carried}{finish}{colour}{noun}"


def _extras(facts: Facts, mention: Mention) -> list[tuple[ColourName, Noun]]:
    extras: list[tuple[ColourName, Noun]] = []
    if mention.pattern and facts.pattern and facts.pattern_colour:
        extras.append((facts.pattern_colour, PATTERN_NOUNS[facts.pattern]))
    if mention.accent and facts.accent and facts.category.accent:
        extras.append((facts.accent, facts.category.accent))
    return extras
