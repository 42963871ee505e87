"""Embedding tables of a prior's text encoders, and what a new word begins with in them."""

from dataclasses import dataclass
from typing import Any, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from common.adapters.word_file import Encoder
from common.embedded.prior import EmbeddedPrior
from common.embedded.tokenizer import Tokenizer, load_tokenizer
from common.errors import InputError
from common.pretrained.prior import PretrainedPrior
from common.training.folder.taught_prior import Taught

_SHAKEN = 0.1
"""Of the table's deviation: what sets vectors apart that begin with the same token."""


@dataclass(frozen=True, eq=False)
class WordTable:
    """One text encoder's."""

    weights: Float[Tensor, "n d"]
    first: int
    """Number of the first token that the encoder does not have."""
    tokenizer: Any
    """`Tokenizer`, or transformers' of CLIP."""

    def tokens(self, text: str) -> list[int]:
        """Of a text, without marks."""
        if isinstance(self.tokenizer, Tokenizer):
            return self.tokenizer.encode(text)[1:]
        made = self.tokenizer(text, add_special_tokens=False)
        return [int(token) for token in made.input_ids]


def word_tables(prior: Taught) -> dict[Encoder, WordTable]:
    """The tables by the names that files of words use."""
    match prior:
        case EmbeddedPrior():
            table = prior.text_encoder.embedding.weight
            return {"text_encoder": WordTable(table, len(table), load_tokenizer())}
        case PretrainedPrior():
            names: tuple[Encoder, ...] = ("text_encoder", "text_encoder_2")
            found: dict[Encoder, WordTable] = {}
            for name, one in zip(names, prior.text.encoders, strict=False):
                weights = one.model.get_input_embeddings().weight
                first = max(len(weights), len(one.tokenizer))
                found[name] = WordTable(weights, first, one.tokenizer)
            return found
        case _:
            assert_never(prior)


def first_vectors(
    table: WordTable, start: str, count: int, generator: torch.Generator
) -> Float[Tensor, "k d"]:
    """``count`` vectors: those of the words ``start``, over and over, repeats shaken a little.

    Raises:
        InputError: ``start`` has more tokens than that, or none.
    """
    tokens = table.tokens(start)
    if not 1 <= len(tokens) <= count:
        raise InputError(
            f"method.start '{start}' has {len(tokens)} tokens and method.num_vectors is {count}: "
            "take as many vectors, or a shorter start"
        )
    rows = torch.stack([table.weights[tokens[place % len(tokens)]] for place in range(count)])
    noise = torch.randn(count, rows.shape[1], generator=generator)
    noise[: len(tokens)] = 0
    deviation = float(table.weights.float().std())
    return (rows.float() + _SHAKEN * deviation * noise.to(rows.device)).detach()
