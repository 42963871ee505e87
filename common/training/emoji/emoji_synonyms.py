"""Words that no picture caption of the training data may contain, for the test of unseen synonyms.

``data/emoji_synonyms.json`` lists 40 prompts (25 English, 15 Chinese). Each holds out some words
and names the emoji that a person would expect to see. The text encoder may meet the words in text
(that is how it learns that a puppy is close to a dog); the picture models never do.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from common.errors import InputError
from common.training.emoji.emoji_concepts import DATA, Language

SYNONYMS = DATA / "emoji_synonyms.json"


@dataclass(frozen=True)
class Synonym:
    """A prompt of held-out words; ``keys`` are the emoji that answer it."""

    prompt: str
    language: Language
    words: tuple[str, ...]
    keys: tuple[str, ...]


def load_synonyms(path: Path = SYNONYMS) -> tuple[Synonym, ...]:
    """The list, in file order.

    Raises:
        InputError: the file is damaged.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["synonyms"]
        return tuple(
            Synonym(row["prompt"], row["language"], tuple(row["words"]), tuple(row["keys"]))
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{path} is no list of synonyms: {broken!r}") from broken


def held_out_words(text: str, synonyms: tuple[Synonym, ...] | None = None) -> list[str]:
    """The held-out words that ``text`` contains; empty for an allowed caption of either language.

    English words are matched whole and without case, Chinese ones anywhere. The kit's captions are
    to be checked with this as well.
    """
    listed = load_synonyms() if synonyms is None else synonyms
    english = _english_pattern(tuple(w for s in listed if s.language == "en" for w in s.words))
    found = [match.lower() for match in english.findall(text)]
    chinese = {word for s in listed if s.language == "zh" for word in s.words}
    return sorted({*found, *(word for word in chinese if word in text)})


@cache
def _english_pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all words; a pattern that never matches when there are none."""
    if not words:
        return re.compile(r"(?!)")
    return re.compile(r"\b(?:" + "|".join(map(re.escape, words)) + r")\b", re.IGNORECASE)
