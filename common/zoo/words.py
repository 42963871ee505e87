"""Learnt words for the embedded prior, checked against its text encoder."""

from collections.abc import Mapping, Sequence
from typing import Any

from common.adapters.learnt_words import NO_WORDS, LearntWords, words_of
from common.adapters.word_config import WordConfig
from common.adapters.word_file import read_word
from common.zoo.storage import Manifest


def embedded_words(sizes: Mapping[str, Any], configs: Sequence[WordConfig]) -> LearntWords:
    """Read the words.

    Args:
        sizes: of the text encoder, as its manifest has them.
        configs: files, and what stands for them.

    Raises:
        InputError: a file is wrong or for another text encoder, or a word is given twice.
    """
    if not configs:
        return NO_WORDS
    return words_of(
        [read_word(config) for config in configs], "text_encoder",
        int(sizes["num_tokens"]), int(sizes["embedding_channels"]),
    )  # fmt: skip


def check_prior_words(manifests: Mapping[str, Manifest], configs: Sequence[WordConfig]) -> None:
    """Refuse words that do not fit, before weights are read."""
    embedded_words(manifests["text_encoder"].architecture, configs)
