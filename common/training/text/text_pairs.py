"""Pairs of texts that mean the same, for training the text encoder by contrast.

Two captions of one emoji mean the same, in one language or across the two, and so do two ways to
say one colour of one thing ("crimson teapot", "a red teapot", its Chinese name with 红色), and two
captions that say as much of one kit object. Each pair carries what it means, so that a batch does
not push two equal meanings apart; what a kit caption says of the colour of a thing is one meaning
with what is said of its emoji.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from common.embedded.tokenizer import load_tokenizer, words
from common.kit.catalogue import CATEGORIES
from common.kit.palette import COLOUR_NAMES, PALETTE, ColourName, oklab
from common.training.emoji.emoji_concepts import EmojiConcept, Language, load_concepts
from common.training.emoji.emoji_kit import shared_concepts
from common.training.emoji.emoji_phrases import Phrase, draw_phrase, phrases, with_article
from common.training.kit.kit_texts import draw_said, say

KIT_SHARE = 0.35
"""Share of the pairs that are of kit objects."""
COLOUR_SHARE = 0.4
"""Share of the emoji pairs that say a colour."""
ACROSS_SHARE = 0.5
"""Share of the pairs with one text in each language; the rest is split evenly."""
SHADE_SHARE = 0.3
"""Share of the English colours said by the name of a shade."""
LOOKALIKE_WEIGHT = 0.25
"""How often a look-alike is drawn, relative to a distinct emoji."""
_FIRST_HASHED = 1_000_000
CLEARLY = 0.75
"""A shade counts if its colour is nearer than this share of the distance to the next colour."""


@dataclass(frozen=True)
class TextPair:
    """Two texts and the number of their common meaning."""

    first: str
    second: str
    meaning: int


@dataclass(frozen=True)
class Captions:
    """Captions of every concept in both languages, ready to draw from."""

    concepts: tuple[EmojiConcept, ...]
    weights: np.ndarray
    choices: dict[Language, tuple[tuple[Phrase, ...], ...]]
    shades: dict[ColourName, tuple[str, ...]]
    """Names of shades of each colour."""
    emoji_of_category: dict[str, int]
    """The concept that shows the same thing as a kit category."""


@cache
def load_captions() -> Captions:
    """The committed captions."""
    concepts = tuple(load_concepts().values())
    weights = np.array([LOOKALIKE_WEIGHT if c.lookalike else 1.0 for c in concepts])
    return Captions(
        concepts,
        weights / weights.sum(),
        {
            "en": tuple(phrases(concept, "en") for concept in concepts),
            "zh": tuple(phrases(concept, "zh") for concept in concepts),
        },
        shade_names(),
        _emoji_of_category(concepts),
    )


def _emoji_of_category(concepts: Sequence[EmojiConcept]) -> dict[str, int]:
    row = {concept.key: index for index, concept in enumerate(concepts)}
    shared = shared_concepts({category.name: category.emoji for category in CATEGORIES}, row)
    return {name: row[keys[0]] for name, keys in shared.items()}


def draw_pairs(captions: Captions, count: int, rng: np.random.Generator) -> list[TextPair]:
    """``count`` pairs drawn independently."""
    chosen = rng.choice(len(captions.concepts), size=count, p=captions.weights)
    return [
        _kit_pair(captions, rng) if rng.random() < KIT_SHARE else _emoji_pair(captions, index, rng)
        for index in chosen.tolist()
    ]


def _emoji_pair(captions: Captions, index: int, rng: np.random.Generator) -> TextPair:
    colour = None
    if rng.random() < COLOUR_SHARE:
        colour = COLOUR_NAMES[int(rng.integers(len(COLOUR_NAMES)))]
    texts = [_text(captions, index, language, colour, rng) for language in _languages(rng)]
    return TextPair(texts[0], texts[1], _meaning(index, colour))


def _kit_pair(captions: Captions, rng: np.random.Generator) -> TextPair:
    said = draw_said(rng)
    first, second = (say(said, language, rng) for language in _languages(rng))
    _, main, *details = said.meaning
    index = captions.emoji_of_category.get(said.facts.category.name)
    if index is not None and not any(details):
        return TextPair(first, second, _meaning(index, said.facts.main if main else None))
    digest = hashlib.sha256(repr(said.meaning).encode()).digest()
    return TextPair(first, second, _FIRST_HASHED + int.from_bytes(digest[:6], "big"))


def _meaning(index: int, colour: ColourName | None) -> int:
    """The number of a concept, or of it in a colour."""
    said = 0 if colour is None else 1 + COLOUR_NAMES.index(colour)
    return index * (len(COLOUR_NAMES) + 1) + said


def shade_names() -> dict[ColourName, tuple[str, ...]]:
    """One-word names of shades under the plain colour that each is clearly nearest to.

    CSS Color 4 and the xkcd survey of 2010 (CC0), as matplotlib ships them; without those that name
    a thing as well (cherry, banana) and those between two colours.
    """
    from matplotlib.colors import CSS4_COLORS, XKCD_COLORS, to_rgb

    things = {word for c in load_concepts().values() for text in c.en.everything
              for word in words(text)}  # fmt: skip
    typical = oklab(np.array([PALETTE[name].typical for name in COLOUR_NAMES]))
    found: dict[ColourName, set[str]] = {name: set() for name in COLOUR_NAMES}
    listed = {name.removeprefix("xkcd:"): value for name, value in XKCD_COLORS.items()}
    for name, value in (listed | CSS4_COLORS).items():
        distances = np.linalg.norm(typical - oklab(np.array(to_rgb(value))), axis=1)
        nearest, second = np.sort(distances)[:2]
        known = name in load_tokenizer().number and name not in {*things, *COLOUR_NAMES, "gray"}
        if known and nearest < CLEARLY * second:
            found[COLOUR_NAMES[int(distances.argmin())]].add(name)
    return {colour: tuple(sorted(names)) for colour, names in found.items()}


def _languages(rng: np.random.Generator) -> tuple[Language, Language]:
    drawn = rng.random()
    if drawn < ACROSS_SHARE:
        return "en", "zh"
    return ("en", "en") if drawn < (1 + ACROSS_SHARE) / 2 else ("zh", "zh")


def _text(
    captions: Captions,
    index: int,
    language: Language,
    colour: ColourName | None,
    rng: np.random.Generator,
) -> str:
    """A caption of a concept, with a colour said in one of several ways."""
    if colour is None:
        return draw_phrase(captions.choices[language][index], rng)
    names = captions.concepts[index].wording(language).names
    name = names[int(rng.integers(len(names)))]
    if language == "zh":
        said = PALETTE[colour].chinese
        return _one_of((f"{said}{name}", f"{said}的{name}", f"一个{said}的{name}"), rng)
    shades = captions.shades[colour]
    said = _one_of(shades, rng) if shades and rng.random() < SHADE_SHARE else colour
    both = f"{said} {name}"
    return _one_of((both, with_article(both), f"{name}, {said}"), rng)


def _one_of(texts: Sequence[str], rng: np.random.Generator) -> str:
    return texts[int(rng.integers(len(texts)))]
