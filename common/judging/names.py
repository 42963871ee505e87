"""What pictures can be called when they are scored: the committed list of names.

``data/names.json`` holds the 1,500 emoji names, the kit's categories and the twelve colour words in
English and Chinese. It is written by ``common.training.judge.judge_names``, so that scoring needs
neither the caption table nor the object kit.
"""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from common.errors import InputError

NAMES = Path(__file__).parent / "data" / "names.json"

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Domain = Literal["emoji", "objects"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)


@dataclass(frozen=True)
class Name:
    """One thing in both languages."""

    key: str
    """What it is known by: an emoji's code points, a category's noun, a colour's English word."""
    english: str
    chinese: str

    def said(self, language: Language) -> str:
        """The name in a language."""
        return self.english if language == "en" else self.chinese


@dataclass(frozen=True)
class Names:
    """Everything that a score chooses from."""

    emoji: tuple[Name, ...]
    """The emoji names, by key."""
    objects: tuple[Name, ...]
    """The kit's categories as captions without a colour: ``a car``, ``a slice of pizza``."""
    colours: tuple[Name, ...]
    """The colour words."""

    def of(self, domain: Domain) -> tuple[Name, ...]:
        """The names that a concept of this domain competes with."""
        return self.emoji if domain == "emoji" else self.objects


@cache
def load_names(path: Path = NAMES) -> Names:
    """The committed names.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Names(**{
            part: tuple(Name(*row) for row in content[part])
            for part in ("emoji", "objects", "colours")
        })  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{path} is no list of names: {broken!r}") from broken
