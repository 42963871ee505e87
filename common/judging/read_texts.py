"""Features of the texts that pictures are compared with, each encoded once."""

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.judge import Judge
from common.embedded.text_encoder import token_batch
from common.embedded.tokenizer import load_tokenizer
from common.errors import InputError
from common.judging.asked import Asked, with_colours
from common.judging.names import Domain, Language, Names

_BATCH = 256


class ReadTexts:
    """The texts of scores as features of length 1.

    State: the judge, the names, and every feature that was asked for.

    Raises:
        InputError: the judge was trained on another vocabulary.
    """

    def __init__(self, judge: Judge, names: Names):
        self.names = names
        self._judge = judge
        self._tokenizer = load_tokenizer()
        known = judge.read.architecture.num_tokens
        if known != self._tokenizer.num_tokens:
            raise InputError(
                f"the judge knows {known} tokens, the vocabulary has "
                f"{self._tokenizer.num_tokens}: they are of different versions"
            )
        self._features: dict[str, Tensor] = {}
        self._coloured: dict[tuple[str, str], Tensor] = {}

    def features(self, texts: Sequence[str]) -> Float[Tensor, "t d"]:
        """Features of texts, in their order."""
        self.read(texts)
        return torch.stack([self._features[text] for text in texts])

    @torch.no_grad()
    def read(self, texts: Iterable[str]) -> None:
        """Encode the texts that are new, those of similar length together."""
        new = sorted({text for text in texts if text not in self._features}, key=_length)
        device = self._judge.log_scale.device
        for start in range(0, len(new), _BATCH):
            some = new[start : start + _BATCH]
            batch = token_batch(self._tokenizer, some, device)
            self._features |= dict(zip(some, self._judge.embed_texts(*batch).cpu(), strict=True))

    def of_names(self, domain: Domain, language: Language) -> Float[Tensor, "t d"]:
        """The names that a concept competes with."""
        return self.features([name.said(language) for name in self.names.of(domain)])

    def in_every_colour(self, asked: Asked, colour: str) -> Float[Tensor, "12 d"]:
        """The caption with each colour word in the place of ``colour``, in the order of names."""
        key = (asked.caption, colour)
        if key not in self._coloured:
            self._coloured[key] = self.features(coloured_captions(asked, colour, self.names))
        return self._coloured[key]

    def both_orders(self, asked: Asked) -> Float[Tensor, "2 d"]:
        """The caption, and it with main and accent colour exchanged."""
        key = (asked.caption, "")
        if key not in self._coloured:
            self._coloured[key] = self.features([asked.caption, swapped_caption(asked, self.names)])
        return self._coloured[key]

    def read_for(self, asked: Iterable[Asked]) -> None:
        """Encode at once all that these are compared with."""
        texts: set[str] = set()
        for one in asked:
            if (one.caption, "") in self._coloured:
                continue
            texts.add(one.caption)
            for colour in (one.colour, one.accent):
                if colour is not None:
                    texts.update(coloured_captions(one, colour, self.names))
            if one.colour is not None and one.accent is not None:
                texts.add(swapped_caption(one, self.names))
        self.read(texts)


def coloured_captions(asked: Asked, colour: str, names: Names) -> list[str]:
    """The caption with each colour word in the place of ``colour``."""
    return [with_colours(asked, names, {colour: other.key}) for other in names.colours]


def swapped_caption(asked: Asked, names: Names) -> str:
    """The caption with its two colour words exchanged."""
    pair = (str(asked.colour), str(asked.accent))
    return with_colours(asked, names, {pair[0]: pair[1], pair[1]: pair[0]})


def _length(text: str) -> tuple[int, str]:
    return len(text), text
