"""Learnt words for the text encoders of a checkpoint."""

from collections.abc import Sequence
from typing import Any

from common.adapters.learnt_words import LearntWords, words_of
from common.adapters.word_config import WordConfig
from common.adapters.word_file import Encoder, read_word
from common.pretrained.fit import Models

_NAMES: tuple[Encoder, ...] = ("text_encoder", "text_encoder_2")


def words_of_encoders(
    configs: Sequence[WordConfig], models: Models, tokenizers: Sequence[Any]
) -> list[LearntWords]:
    """The words of each text encoder; the encoders need no weights for it.

    Raises:
        InputError: a file is wrong or for another family, or a word is given twice.
    """
    files = [read_word(config) for config in configs]
    return [
        words_of(
            files, name, max(len(tokenizer), int(model.config.vocab_size)),
            int(model.config.hidden_size),
        )
        for name, model, tokenizer in zip(_NAMES, models.text_encoders, tokenizers, strict=False)
    ]  # fmt: skip
