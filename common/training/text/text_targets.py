"""Texts with the embedding that the teacher gives their meaning.

The teacher reads English. A Chinese text gets the embedding of the English text that means the
same, which is how Chinese lands in the same place.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from common.embedded.tokenizer import INSIDE, load_tokenizer
from common.seeding import stream_seed
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_phrases import phrases
from common.training.kit.kit_texts import draw_said, say
from common.training.text.text_teacher import teacher_embeddings

NUM_KIT_CAPTIONS = 8000


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


def kit_targets(cache: Path) -> Targets:
    """Captions of kit objects, each in both languages."""
    rng = np.random.default_rng(stream_seed(0, 0, "kit captions for the teacher"))
    said = [draw_said(rng) for _ in range(NUM_KIT_CAPTIONS)]
    english = [say(one, "en", rng) for one in said]
    chinese = [say(one, "zh", rng) for one in said]
    found = teacher_embeddings(cache, english)
    return Targets((*english, *chinese), np.concatenate([found, found]))


def word_targets(cache: Path) -> Targets:
    """The vocabulary's English words."""
    pieces = load_tokenizer().number
    words = [p for p in pieces if p.isascii() and p.isalpha() and len(p) > 2 and INSIDE not in p]
    return Targets(tuple(words), teacher_embeddings(cache, words))


def joined(*targets: Targets) -> Targets:
    """All of them, one after the other."""
    texts = tuple(text for one in targets for text in one.texts)
    return Targets(texts, np.concatenate([one.embeddings for one in targets]))


class TaughtTexts(NamedTuple):
    """All that the teacher is asked, in as many directions as a student has."""

    words: Targets
    captions: Targets
    basis: Float32[np.ndarray, "d k"]
    """The directions in the teacher's space."""


def taught_texts(cache: Path, num_directions: int) -> TaughtTexts:
    """Words and captions with the teacher's embeddings (asked once, then kept)."""
    words, captions = word_targets(cache), joined(caption_targets(cache), kit_targets(cache))
    basis = principal_basis(joined(words, captions).embeddings, num_directions)
    return TaughtTexts(reduced(words, basis), reduced(captions, basis), basis)


def reduced(targets: Targets, basis: Float32[np.ndarray, "d k"]) -> Targets:
    """Targets in the ``k`` directions of a basis, of length 1 again."""
    inside = targets.embeddings @ basis
    return Targets(targets.texts, inside / np.linalg.norm(inside, axis=1, keepdims=True))


def principal_basis(
    embeddings: Float32[np.ndarray, "n d"], num_directions: int
) -> Float32[np.ndarray, "d k"]:
    """The ``k`` orthonormal directions that keep most of the squared length of the embeddings.

    Cosines hardly change in them, and the student needs no layer between its space and the
    teacher's, which would let words and captions drift apart. Each direction points to where its
    largest component is positive, so that the basis is unique.
    """
    products = embeddings.astype(np.float64).T @ embeddings.astype(np.float64)
    directions = np.linalg.eigh(products)[1][:, ::-1][:, :num_directions]
    largest = np.abs(directions).argmax(0)
    signs = np.sign(directions[largest, np.arange(directions.shape[1])])
    return (directions * signs).astype(np.float32)
