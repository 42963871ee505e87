"""Captions of one emoji as training sees them: names, names in use, names with more words.

A bare name is the commonest caption, because that is what is asked for; the other forms keep a
model from taking articles, "emoji" or a further word for something to draw. A colour is named only
where :attr:`EmojiColours.sure` has one and the name does not already say one.
"""

import re
from dataclasses import dataclass

import numpy as np

from common.kit.palette import COLOUR_NAMES, PALETTE, ColourName
from common.training.emoji.emoji_colours import colour_word
from common.training.emoji.emoji_concepts import EmojiConcept, Language

COLOURED_GROUPS = frozenset(
    {"animals-nature", "food-drink", "travel-places", "activities", "objects"}
)
"""Groups of things whose colour people say; a hand is not called yellow."""
COUNTED_GROUPS = COLOURED_GROUPS | {"people-body", "smileys-emotion"}

_UNCOUNTED_TEXT = """
    bread butter rice salt cheese honey garlic ginger bacon broccoli spaghetti soap water milk
    wind fog wood yarn rock coral money medicine music badminton golf hockey lacrosse darts
    luggage clothing tofu meat weather lightning rain snow fire foam
"""
UNCOUNTED = frozenset(_UNCOUNTED_TEXT.split())

NAME_WEIGHT = 4.0
ALIAS_WEIGHT = 2.0
FRAME_WEIGHT = 2.0
KEYWORD_WEIGHT = 1.5
COLOUR_WEIGHT = 1.5
OWN_WEIGHT = {"en": 1.0, "zh": 2.0}
"""Chinese keywords are mostly whole other names, English ones single words."""


@dataclass(frozen=True)
class Phrase:
    """A caption and how often it is drawn, relative to the others of its emoji."""

    text: str
    weight: float


def phrases(
    concept: EmojiConcept, language: Language, colour: ColourName | None = None
) -> tuple[Phrase, ...]:
    """All captions of an emoji in one language, without repetition.

    Args:
        concept: the emoji.
        language: ``en`` or ``zh``.
        colour: its sure colour, if it has one.
    """
    wording = concept.wording(language)
    name = wording.names[0]
    separator = ", " if language == "en" else "，"
    forms: list[tuple[float, list[str]]] = [
        (NAME_WEIGHT, [name]),
        (ALIAS_WEIGHT, list(wording.names[1:])),
        (FRAME_WEIGHT, _framed(concept, name, language)),
        (KEYWORD_WEIGHT, [name + separator + word for word in wording.own + wording.shared]),
        (OWN_WEIGHT[language], list(wording.own)),
    ]
    if colour and concept.group in COLOURED_GROUPS and not _says_colour(wording.names, language):
        forms.append((COLOUR_WEIGHT, _coloured(name, colour_word(colour, language), language)))
    weights: dict[str, float] = {}
    for total, texts in forms:
        for text in texts:
            weights[text] = weights.get(text, 0.0) + total / len(texts)
    return tuple(Phrase(text, weight) for text, weight in weights.items())


def draw_phrase(choices: tuple[Phrase, ...], rng: np.random.Generator) -> str:
    """One caption at random by weight."""
    weights = np.array([choice.weight for choice in choices])
    return choices[int(rng.choice(len(choices), p=weights / weights.sum()))].text


def with_article(name: str) -> str:
    """``a`` or ``an`` before an English name, by its first sound."""
    vowel = re.match(r"[aeiou]", name) and not re.match(r"uni|use|euro|one|ufo|u[.-]", name)
    return f"{'an' if vowel or name.startswith(('hour', 'x-ray')) else 'a'} {name}"


def _framed(concept: EmojiConcept, name: str, language: Language) -> list[str]:
    """The name as part of what people write around it."""
    if language == "zh":
        return [f"{name}表情", f"{name}的图片", f"一个{name}"]
    counted = concept.group in COUNTED_GROUPS and _is_counted(name)
    thing = with_article(name) if counted else name
    return [f"{name} emoji", f"a picture of {thing}", *([thing] if counted else [])]


def _coloured(name: str, colour: str, language: Language) -> list[str]:
    if language == "zh":
        return [f"{colour}{name}", f"{colour}的{name}"]
    both = f"{colour} {name}"
    return [both, with_article(both)] if _is_counted(name) else [both]


def _is_counted(name: str) -> bool:
    """Whether an English name is of one thing and takes an article, as far as its words tell."""
    if name.startswith(("flag", "people", "men ", "women ")) or "," in name:
        return False
    head = re.split(r" (?:with|without|of|in|on|behind|showing|from) ", name)[0]
    last = re.split(r"[ -]", head)[-1]
    plural = last.endswith("s") and not last.endswith(("ss", "us", "is", "lens"))
    return not plural and last not in UNCOUNTED


def _says_colour(names: tuple[str, ...], language: Language) -> bool:
    """Whether a name already has a colour word."""
    if language == "en":
        return any(word in COLOUR_NAMES for name in names for word in re.findall(r"\w+", name))
    return any(swatch.chinese[0] in name for name in names for swatch in PALETTE.values())
