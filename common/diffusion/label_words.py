"""Which labelled things a prompt names: matching by words, for priors without a text encoder."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool
from torch import Tensor

from common.errors import InputError


@dataclass(frozen=True)
class LabelWords:
    """Labels such as "red ball moving right", and other ways to say their words."""

    labels: tuple[str, ...]
    aliases: Mapping[str, str]
    """Another word -> the label word it means. Those of languages without spaces are found inside
    the text."""

    @property
    def words(self) -> tuple[str, ...]:
        """All label words, sorted."""
        return tuple(sorted({word for label in self.labels for word in label.split()}))

    def named(self, prompt: str) -> tuple[str, ...]:
        """The label words a prompt names, in order; words that no label has are passed over."""
        known = set(self.words)
        found = [self._label_word(token, known) for token in re.findall(r"\w+", prompt.lower())]
        found += [
            word for alias, word in self.aliases.items() if not alias.isascii() and alias in prompt
        ]
        return tuple(dict.fromkeys(word for word in found if word in known))

    def _label_word(self, token: str, known: set[str]) -> str | None:
        for form in (token, token.removesuffix("s"), token.removesuffix("es")):
            if form in known:
                return form
            if form in self.aliases:
                return self.aliases[form]
        return None

    def matching(self, prompt: str) -> Bool[Tensor, " k"]:
        """Which labels have every word that the prompt names; the empty prompt matches all.

        Raises:
            InputError: when the prompt names no label word, or words that no label has together.
        """
        if not prompt.strip():
            return torch.ones(len(self.labels), dtype=torch.bool)
        named = self.named(prompt)
        if not named:
            raise InputError(
                f"the prompt {_short(prompt)!r} names nothing that this prior knows"
                f"{self._hint(prompt)} It knows: {', '.join(self.words)}"
            )
        wanted = set(named)
        matches = torch.tensor([wanted <= set(label.split()) for label in self.labels])
        if not bool(matches.any()):
            raise InputError(
                f"this prior has nothing that is {_listed(named)} at once: name fewer of them"
            )
        return matches

    def _hint(self, prompt: str) -> str:
        tokens = re.findall(r"\w+", prompt[:1000].lower())
        candidates = [*self.words, *(alias for alias in self.aliases if alias.isascii())]
        close = [difflib.get_close_matches(token, candidates, n=1) for token in tokens]
        near = dict.fromkeys(words[0] for words in close if words)
        return f"; did you mean {_listed(tuple(near))}?" if near else "."


def _short(text: str, limit: int = 60) -> str:
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _listed(words: Sequence[str]) -> str:
    quoted = [f"'{word}'" for word in words]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
