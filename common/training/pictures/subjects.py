"""What a training picture shows, and drawing a caption of it in either language."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from common.kit.captions import Facts, Mention, caption, training_caption
from common.kit.motions import MOTIONS
from common.training.emoji.emoji_concepts import Language
from common.training.emoji.emoji_phrases import Phrase, draw_phrase


@dataclass(frozen=True)
class EmojiSubject:
    """An emoji and all its captions."""

    key: str
    english: tuple[Phrase, ...]
    chinese: tuple[Phrase, ...]


@dataclass(frozen=True)
class KitSubject:
    """A kit object."""

    facts: Facts


Subject = EmojiSubject | KitSubject
"""Anything that a training picture shows."""


def draw_caption(subject: Subject, language: Language, rng: np.random.Generator) -> str:
    """One caption at random, as training sees them."""
    match subject:
        case EmojiSubject():
            return draw_phrase(subject.english if language == "en" else subject.chinese, rng)
        case KitSubject():
            return training_caption(subject.facts, rng, language)
        case _:
            assert_never(subject)


def in_motion(caption: str, language: Language, rng: np.random.Generator) -> str:
    """The caption with a motion at its end: "a red car slides to the left".

    A still picture shows the same thing with and without; who has learnt that draws the same
    object when layers that move it are put in.
    """
    motion = MOTIONS[int(rng.integers(len(MOTIONS)))]
    return f"{caption} {motion.english}" if language == "en" else f"{caption}{motion.chinese}"


def plain_caption(subject: Subject) -> str:
    """The commonest English caption: an emoji's name, a kit object's colour and noun."""
    match subject:
        case EmojiSubject():
            return subject.english[0].text
        case KitSubject():
            return caption(subject.facts, Mention())
        case _:
            assert_never(subject)
