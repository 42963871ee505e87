"""Which caption of a batch is true of which picture: the table that the contrast learns.

Emoji and kit pictures share a batch. A caption is true of a picture, false, or unknown, where it
would be wrong to teach either: another caption of the same emoji or of one it is a variant of, and
captions across the two kinds for the things that both have ("apple" of a kit apple).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int8, Int64

from common.kit.catalogue import CATEGORIES
from common.kit.category import Category
from common.training.emoji.emoji_concepts import EmojiConcept
from common.training.emoji.emoji_kit import shared_concepts
from common.training.judge.judge_claims import truths

TRUE, FALSE, UNKNOWN = 1, 0, -1


def emoji_block(
    pictures: Int64[np.ndarray, " b"],
    texts: Int64[np.ndarray, " t"],
    written_for: Int64[np.ndarray, " t"],
) -> Int8[np.ndarray, "b t"]:
    """Emoji pictures against emoji captions.

    Args:
        pictures: the meaning of each picture: a number that variants share.
        texts: the meaning of each caption.
        written_for: the picture (its place in the batch) that a caption is of, or -1.
    """
    table = np.where(pictures[:, None] == texts[None], UNKNOWN, FALSE).astype(np.int8)
    own = np.flatnonzero(written_for >= 0)
    table[written_for[own], own] = TRUE
    return table


def truth_table(
    emoji: Int8[np.ndarray, "be te"],
    objects: Int64[np.ndarray, "bk 6"],
    claims: Int64[np.ndarray, "tk 6"],
    emoji_pictures: Int64[np.ndarray, " be"],
    emoji_texts: Int64[np.ndarray, " te"],
    alike: Bool[np.ndarray, "categories meanings"],
) -> Int8[np.ndarray, "b t"]:
    """The whole batch: emoji pictures, then kit pictures; emoji captions, then kit captions.

    Args:
        emoji: the block of the emoji among themselves.
        objects: codes of what the kit pictures show.
        claims: codes of what the kit captions say.
        emoji_pictures: meanings of the emoji pictures.
        emoji_texts: meanings of the emoji captions.
        alike: which kit category may be taken for which emoji.
    """
    kit = np.where(truths(objects, claims), TRUE, FALSE).astype(np.int8)
    across = np.where(alike[claims[:, 0]][:, emoji_pictures].T, UNKNOWN, FALSE).astype(np.int8)
    back = np.where(alike[objects[:, 0]][:, emoji_texts], UNKNOWN, FALSE).astype(np.int8)
    return np.block([[emoji, across], [back, kit]])


def shared_emoji(concepts: Mapping[str, EmojiConcept]) -> dict[str, tuple[str, ...]]:
    """The emoji of each category that has any, the best match first."""
    return shared_concepts({c.name: c.emoji for c in CATEGORIES}, concepts)


def alike_table(
    meanings: Mapping[str, int],
    concepts: Mapping[str, EmojiConcept],
    categories: Sequence[Category] = CATEGORIES,
) -> Bool[np.ndarray, "categories meanings"]:
    """Which category may be taken for which emoji: the same thing, or a thing of the same name.

    Args:
        meanings: the number of each emoji's meaning, by key.
        concepts: all emoji, by key.
        categories: of the kit, in the order of their codes.
    """
    shared = shared_emoji(concepts)
    table = np.zeros((len(categories), max(meanings.values()) + 1), dtype=np.bool_)
    called = {
        key: {name.lower() for name in (*concepts[key].en.names, *concepts[key].zh.names)}
        for key in meanings
    }
    for row, category in enumerate(categories):
        words, same = _words(category), shared.get(category.name, ())
        for key, meaning in meanings.items():
            if key in same or words & called[key]:
                table[row, meaning] = True
    return table


def _words(category: Category) -> set[str]:
    """Every word for a category, in lower case."""
    noun = category.noun
    words = (noun.english, noun.chinese, *noun.synonyms, *noun.held_out_synonyms)
    return {word.lower() for word in (*words, *noun.chinese_synonyms)}
