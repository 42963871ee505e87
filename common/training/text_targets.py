"""Texts with the embedding that the teacher gives their meaning.

The teacher reads English. A Chinese text gets the embedding of the English text that means the
same, which is how Chinese lands in the same place.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from common.embedded.tokenizer import INSIDE, load_tokenizer
from common.training.emoji_concepts import load_concepts
from common.training.emoji_phrases import phrases
from common.training.text_teacher import teacher_embeddings

HELD_OUT_EVERY = 50
"""Every so-many-th word is left out of training, to see how well unseen words do: they are not
even single tokens of their own that could have been learned."""


@dataclass(frozen=True)
class Targets:
    """Texts, and a unit embedding for each."""

    texts: tuple[str, ...]
    embeddings: Float32[np.ndarray, "n d"]


def caption_targets(cache: Path) -> Targets:
    """Every caption of every emoji; the Chinese ones share the English name's embedding."""
    texts: list[str] = []
    english: list[str] = []
    for concept in load_concepts().values():
        for phrase in phrases(concept, "en"):
            texts.append(phrase.text)
            english.append(phrase.text)
        for phrase in phrases(concept, "zh"):
            texts.append(phrase.text)
            english.append(concept.en.names[0])
    distinct = sorted(set(english))
    row = {text: index for index, text in enumerate(distinct)}
    found = teacher_embeddings(cache, distinct)
    return Targets(tuple(texts), found[[row[text] for text in english]])


def word_targets(cache: Path) -> tuple[Targets, Targets]:
    """The vocabulary's English words for training, and those held out."""
    pieces = load_tokenizer().number
    words = [p for p in pieces if p.isascii() and p.isalpha() and len(p) > 2 and INSIDE not in p]
    found = teacher_embeddings(cache, words)
    held_out = np.arange(len(words)) % HELD_OUT_EVERY == 0
    return _some(words, found, ~held_out), _some(words, found, held_out)


def _some(words: list[str], found: np.ndarray, chosen: np.ndarray) -> Targets:
    return Targets(tuple(np.array(words, dtype=object)[chosen].tolist()), found[chosen])
