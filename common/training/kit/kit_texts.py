"""What kit objects can be called, drawn without building them: for training on text alone."""

from typing import NamedTuple

import numpy as np

from common.kit.captions import (
    FULL,
    Facts,
    Language,
    Mention,
    PatternName,
    caption,
    mentions,
    nouns,
)
from common.kit.catalogue import CATEGORIES
from common.kit.materials import METALLIC
from common.kit.motions import MOTIONS, Motion, motion_caption, suits
from common.kit.palette import COLOUR_NAMES, ColourName
from common.training.emoji.emoji_concepts import LANGUAGES

PATTERN_SHARE = 0.2
MOTION_SHARE = 0.15
PATTERNS: tuple[PatternName, ...] = ("stripes", "dots", "checks")


class Said(NamedTuple):
    """An object and how much of it a caption says."""

    facts: Facts
    mention: Mention
    motion: Motion | None = None
    """What it does, if the caption is of a clip."""

    @property
    def meaning(self) -> tuple[str | None, ...]:
        """What the caption says, whatever the words and the language."""
        facts, mention = self.facts, self.mention
        return (
            facts.category.name,
            facts.main if mention.main else None,
            facts.accent if mention.accent else None,
            facts.pattern_colour if mention.pattern else None,
            facts.pattern if mention.pattern else None,
            self.motion.name if self.motion else None,
        )


def draw_said(rng: np.random.Generator) -> Said:
    """Any category in colours it can have, a level of detail, and at times a motion."""
    category = CATEGORIES[int(rng.integers(len(CATEGORIES)))]
    main = _one_of(rng, category.colours)
    accents = tuple(name for name in category.accents if name != main)
    accent = _one_of(rng, accents) if category.accent and accents else None
    pattern: PatternName = ""
    pattern_colour = None
    if category.patterned and rng.random() < PATTERN_SHARE:
        pattern = PATTERNS[int(rng.integers(len(PATTERNS)))]
        pattern_colour = _one_of(
            rng, tuple(name for name in COLOUR_NAMES if name not in (main, accent))
        )
    facts = Facts(category, main, accent, "", "", pattern, pattern_colour)
    choices = list(mentions(facts))
    mention = choices[int(rng.integers(len(choices)))]
    motions = [motion for motion in MOTIONS if suits(motion, category)]
    motion = motions[int(rng.integers(len(motions)))] if rng.random() < MOTION_SHARE else None
    return Said(facts, mention, motion)


def say(said: Said, language: Language, rng: np.random.Generator) -> str:
    """A caption of it with the noun or one of its synonyms; held-out synonyms never occur."""
    words = nouns(said.facts.category, language)
    noun = words[int(rng.integers(len(words)))]
    if said.motion:
        return motion_caption(said.facts, said.motion, language, said.mention, noun)
    return caption(said.facts, said.mention, language, noun)


def everything_said() -> list[str]:
    """Every word that captions can have: nouns, each with its part and pattern, and motions."""
    found = [word for motion in MOTIONS for word in (motion.english, motion.chinese)]
    for category in CATEGORIES:
        accent = next((name for name in category.accents if name != category.colours[0]), None)
        for pattern in PATTERNS:
            facts = Facts(
                category, category.colours[0], accent if category.accent else None,
                METALLIC.english, METALLIC.chinese, pattern, "white",
            )  # fmt: skip
            for language in LANGUAGES:
                found += [caption(facts, FULL, language, n) for n in nouns(category, language)]
    return found


def _one_of(rng: np.random.Generator, names: tuple[ColourName, ...]) -> ColourName:
    return names[int(rng.integers(len(names)))]
