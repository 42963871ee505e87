"""The emoji half of the judge's batches: stills, their captions and names they do not have."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from common.kit.palette import COLOUR_NAMES, PALETTE, ColourName
from common.training.emoji.emoji_concepts import EmojiConcept, Language, load_concepts
from common.training.emoji.emoji_phrases import COLOURED_GROUPS, Phrase, draw_phrase, phrases
from common.training.emoji.emoji_stills import EmojiStills

_MAX_DRAWS = 8


@dataclass(frozen=True)
class EmojiSource:
    """All stills with what they are called."""

    stills: EmojiStills
    concepts: tuple[EmojiConcept, ...]
    captions: Mapping[Language, tuple[tuple[Phrase, ...], ...]]
    meanings: Int64[np.ndarray, " n"]
    """A number for each still that variants share."""
    recolourable: Bool[np.ndarray, " n"]
    """Things that are known by their shape; no name of theirs says a colour."""

    def meaning_of(self) -> dict[str, int]:
        """The number of each emoji's meaning, by key."""
        return {c.key: int(m) for c, m in zip(self.concepts, self.meanings, strict=True)}


@dataclass(frozen=True)
class DrawnEmoji:
    """Stills of a batch and its emoji captions: first one of each still, then other names."""

    rows: Int64[np.ndarray, " b"]
    recoloured: Bool[np.ndarray, " b"]
    """Which are to be shown in other colours; their captions say none."""
    texts: tuple[str, ...]
    text_rows: Int64[np.ndarray, " t"]
    """The still that each caption is of."""
    written_for: Int64[np.ndarray, " t"]
    """Its place in the batch, or -1."""


def emoji_source(stills: EmojiStills, colours: Mapping[str, ColourName | None]) -> EmojiSource:
    """Stills, captions and meanings; ``colours`` are the sure ones by key."""
    every = load_concepts()
    concepts = tuple(every[key] for key in stills.keys)
    roots: dict[str, int] = {}
    meanings = np.array([roots.setdefault(c.root, len(roots)) for c in concepts])
    captions: dict[Language, tuple[tuple[Phrase, ...], ...]] = {
        language: tuple(phrases(c, language, colours.get(c.key)) for c in concepts)
        for language in ("en", "zh")
    }
    recolourable = np.array([
        c.group in COLOURED_GROUPS and not any(map(says_colour, (*c.en.names, *c.zh.names)))
        for c in concepts
    ])  # fmt: skip
    return EmojiSource(stills, concepts, captions, meanings, recolourable)


def draw_emoji(
    source: EmojiSource,
    count: int,
    num_others: int,
    chinese_share: float,
    recolour_share: float,
    rng: np.random.Generator,
) -> DrawnEmoji:
    """Different stills with a caption each, and names of ``num_others`` other stills."""
    total = len(source.concepts)
    order = rng.permutation(total)
    rows, others = order[:count], order[count : count + num_others]
    recoloured = source.recolourable[rows] & (rng.random(len(rows)) < recolour_share)
    texts = [
        _caption(source, int(row), bool(plain), chinese_share, rng)
        for row, plain in zip(rows, recoloured, strict=True)
    ]
    for row in others:
        texts.append(source.concepts[row].wording(_language(chinese_share, rng)).names[0])
    written_for = np.concatenate([np.arange(len(rows)), np.full(len(others), -1)])
    return DrawnEmoji(rows, recoloured, tuple(texts), np.concatenate([rows, others]), written_for)


def says_colour(text: str) -> bool:
    """Whether a text has one of the colour words in either language."""
    words = text.replace(",", " ").replace("-", " ").split()
    return any(word in COLOUR_NAMES for word in words) or any(
        swatch.chinese[0] in text for swatch in PALETTE.values()
    )


def _language(chinese_share: float, rng: np.random.Generator) -> Language:
    return "zh" if rng.random() < chinese_share else "en"


def _caption(
    source: EmojiSource, row: int, plain: bool, chinese_share: float, rng: np.random.Generator
) -> str:
    """A caption of one still; a ``plain`` one says no colour."""
    language = _language(chinese_share, rng)
    for _ in range(_MAX_DRAWS):
        text = draw_phrase(source.captions[language][row], rng)
        if not (plain and says_colour(text)):
            return text
    return source.concepts[row].wording(language).names[0]
