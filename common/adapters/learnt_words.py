"""Words with vectors of their own in a text encoder that does not know them.

A prompt is cut at the words; each becomes tokens with numbers from ``first`` on, which no token of
the vocabulary has. The encoder's table of embeddings is not changed: it is asked for token 0 there,
and a hook puts the word's vectors in place. So whatever the encoder does by token numbers, such as
finding the end of the text, stays as it is, and without words nothing happens at all.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int64
from torch import Tensor, nn

from common.adapters.word_file import Encoder, WordVectors
from common.errors import InputError


@dataclass(frozen=True, eq=False)
class LearntWords:
    """The words of one text encoder.

    Raises:
        InputError: a word occurs twice.
    """

    words: tuple[str, ...]
    counts: tuple[int, ...]
    """Vectors of each word, one after the other in ``vectors``."""
    vectors: Float[Tensor, "k d"]
    first: int
    """Number of the first vector's token: as many as the vocabulary has."""

    def __post_init__(self) -> None:
        low = [word.lower() for word in self.words]
        if len(set(low)) < len(low):
            twice = next(word for word in low if low.count(word) > 1)
            raise InputError(f"the learnt word {twice!r} is given twice; set word for one of them")

    def parts(self, text: str) -> list[str | list[int]]:
        """A text cut at its learnt words: stretches without any, and tokens of words.

        Words count where no letter or digit stands beside them, in any case of letters.
        """
        if not self.words:
            return [text]
        longest = sorted(self.words, key=len, reverse=True)
        pattern = "|".join(re.escape(word) for word in longest)
        pieces = re.split(rf"(?<!\w)({pattern})(?!\w)", text, flags=re.IGNORECASE)
        places = {word.lower(): self._tokens(index) for index, word in enumerate(self.words)}
        return [
            places[piece.lower()] if number % 2 else piece
            for number, piece in enumerate(pieces)
            if piece
        ]

    def without(self, text: str) -> str:
        """The text without its learnt words."""
        kept = " ".join(part for part in self.parts(text) if isinstance(part, str))
        return kept if self.words else text

    def _tokens(self, index: int) -> list[int]:
        start = self.first + sum(self.counts[:index])
        return list(range(start, start + self.counts[index]))

    @contextmanager
    def applied(self, table: nn.Module, tokens: Int64[Tensor, "b l"]) -> Iterator[Tensor]:
        """While the context lasts, ``table`` embeds learnt words; it yields the tokens to ask for.

        Args:
            table: The encoder's ``nn.Embedding``.
            tokens: Those that it will be asked for, learnt ones too.
        """
        learnt = tokens >= self.first
        if not self.words or not bool(learnt.any()):
            yield tokens
            return

        def after(module: Any, given: Any, made: Tensor) -> Tensor:
            own = F.embedding((tokens - self.first).clamp(min=0), self.vectors.to(made))
            return torch.where(rearrange(learnt, "b l -> b l 1"), own, made)

        hook = table.register_forward_hook(after)
        try:
            yield torch.where(learnt, 0, tokens)
        finally:
            hook.remove()


NO_WORDS = LearntWords((), (), torch.zeros(0, 1), 0)
"""What most encoders have learnt."""


def words_of(files: Sequence[WordVectors], encoder: Encoder, first: int, width: int) -> LearntWords:
    """The words of several files for one text encoder.

    Args:
        files: what was read.
        encoder: whose vectors.
        first: tokens of its vocabulary.
        width: numbers of its embeddings.

    Raises:
        InputError: a file has vectors of another width, or none for this encoder.
    """
    if not files:
        return NO_WORDS
    kept: list[Tensor] = []
    for file in files:
        rows = file.vectors.get(encoder)
        if rows is None:
            raise InputError(
                f"{file.path} has vectors for {' and '.join(file.vectors)}, and none for "
                f"{encoder}: it is for another family"
            )
        if rows.shape[1] != width:
            raise InputError(
                f"{file.path}: its vectors have {rows.shape[1]} numbers and this {encoder} reads "
                f"{width}: it is for another family"
            )
        kept.append(rows)
    return LearntWords(
        tuple(file.word for file in files), tuple(map(len, kept)), torch.cat(kept), first
    )
