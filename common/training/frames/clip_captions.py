"""What a training clip shows, and drawing a caption of it in either language."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np

from common.kit.captions import Facts, mentions
from common.kit.motions import Motion
from common.training.emoji.emoji_concepts import Language
from common.training.kit.kit_texts import Said, say
from common.training.pictures.subjects import EmojiSubject, draw_caption


@dataclass(frozen=True)
class KitClipSubject:
    """A kit object and how it moves."""

    facts: Facts
    motion: Motion


ClipSubject = EmojiSubject | KitClipSubject
"""Anything that a training clip shows."""


def draw_clip_caption(subject: ClipSubject, language: Language, rng: np.random.Generator) -> str:
    """One caption at random, as training sees them.

    A kit object with any of its details and nouns, and always with its motion. An object has ten
    motions and nothing in the picture tells which will come: clips without their words would
    teach that any motion follows from a bare prompt, and to heed the words less. What moves by
    itself from a bare prompt is learnt from the emoji, whose captions say no motion and whose
    animations belong to what they show.
    """
    match subject:
        case EmojiSubject():
            return draw_caption(subject, language, rng)
        case KitClipSubject():
            choices = list(mentions(subject.facts))
            mention = choices[int(rng.integers(len(choices)))]
            return say(Said(subject.facts, mention, subject.motion), language, rng)
        case _:
            assert_never(subject)
