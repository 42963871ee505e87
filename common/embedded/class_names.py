"""What the noisy classifier tells apart, by name, and which of it a prompt names.

Its classes are the things of the object kit, the emoji that look like no other, and the colours of
things. An emoji whose name is that of a thing, but for a colour, is that thing: a red apple is an
apple.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import NamedTuple

from common.embedded.concepts import Concepts, load_concepts
from common.embedded.domain import singular
from common.embedded.tokenizer import words
from common.errors import InputError

Tokens = tuple[str, ...]
_SHORTEST_CHINESE = 2
"""Characters of the Chinese names of emoji that are read: a single one is part of many words."""
_CHINESE_ENDING = "色"


class Wanted(NamedTuple):
    """The classes that a sample is to have; None where nothing is said."""

    what: int | None
    colour: int | None


class Named(NamedTuple):
    """A name found in a text."""

    place: int
    class_: int


@dataclass(frozen=True)
class ClassNames:
    """The classes in order, each with all its names."""

    whats: tuple[tuple[str, ...], ...]
    """Things first, then emoji."""
    num_things: int
    colours: tuple[tuple[str, ...], ...]
    of_emoji: tuple[int | None, ...]
    """The class of each emoji of the concepts; None for look-alikes."""

    @property
    def digest(self) -> str:
        """SHA-256 over all names: a classifier belongs to one list of them."""
        return hashlib.sha256(json.dumps([self.whats, self.colours]).encode()).hexdigest()

    def read(self, text: str) -> Wanted:
        """What a text names: its first thing, or if there is none its first emoji.

        The colour is the last one named before that, or the last one if nothing else is named.
        """
        tokens = _tokens(text)
        found = list(_scanned(tokens, self._what_index))
        things = [one for one in found if one.class_ < self.num_things]
        chosen = next(iter(things or found), None)
        end = len(tokens) if chosen is None else chosen.place + 1
        coloured = [one for one in _scanned(tokens, self._colour_index) if one.place < end]
        colour = coloured[-1].class_ if coloured else None
        return Wanted(None if chosen is None else chosen.class_, colour)

    def named(self, names: Sequence[str]) -> Wanted:
        """The classes of these names.

        Raises:
            InputError: one is none of them, or two are of the same kind.
        """
        what: list[int] = []
        colour: list[int] = []
        for name in names:
            tokens = _tokens(name)
            if tokens in self._colour_index:
                colour.append(self._colour_index[tokens])
            elif tokens in self._what_index:
                what.append(self._what_index[tokens])
            else:
                raise InputError(f"'{name}' is no class of the classifier; {self.choices()}")
        if len(what) > 1 or len(colour) > 1:
            raise InputError(f"{', '.join(names)}: name at most one thing or emoji, and one colour")
        return Wanted(what[0] if what else None, colour[0] if colour else None)

    def said(self, wanted: Wanted) -> str:
        """The usual English names of classes."""
        colour = [] if wanted.colour is None else [self.colours[wanted.colour][0]]
        what = [] if wanted.what is None else [self.whats[wanted.what][0]]
        return " ".join([*colour, *what])

    def choices(self) -> str:
        """What can be named, for messages."""
        things = ", ".join(names[0] for names in self.whats[: self.num_things])
        colours = ", ".join(names[0] for names in self.colours)
        return (
            f"it knows the things {things}; the colours {colours}; and "
            f"{len(self.whats) - self.num_things} emoji by name (python run.py list concepts)"
        )

    @cached_property
    def _what_index(self) -> dict[Tokens, int]:
        return _index(self.whats)

    @cached_property
    def _colour_index(self) -> dict[Tokens, int]:
        return _index(self.colours)


def class_names(concepts: Concepts) -> ClassNames:
    """The classes of what the embedded prior was trained on."""
    colours = tuple(
        (one.english, one.chinese, one.chinese.removesuffix(_CHINESE_ENDING))
        for one in concepts.colours
    )
    whats = [(*thing.english, *thing.chinese) for thing in concepts.things]
    num_things, things, coloured = len(whats), _index(whats), _index(colours)
    of_emoji: list[int | None] = []
    for one in concepts.emoji:
        if one.lookalike:
            of_emoji.append(None)
            continue
        known = things.get(_uncoloured(_tokens(one.english[0]), coloured))
        if known is None:
            chinese = [name for name in one.chinese if len(name) >= _SHORTEST_CHINESE]
            whats.append((*one.english, *chinese))
        else:
            whats[known] = (*whats[known], one.english[0])
        of_emoji.append(len(whats) - 1 if known is None else known)
    return ClassNames(tuple(whats), num_things, colours, tuple(of_emoji))


@cache
def load_class_names() -> ClassNames:
    """The classes of the committed list of concepts."""
    return class_names(load_concepts())


def _tokens(text: str) -> Tokens:
    return tuple(singular(word) for word in words(text))


def _index(classes: Sequence[Sequence[str]]) -> dict[Tokens, int]:
    """The class of each name; of several with one name, the first."""
    found: dict[Tokens, int] = {}
    for number, names in enumerate(classes):
        for name in names:
            found.setdefault(_tokens(name), number)
    return found


def _uncoloured(tokens: Tokens, colours: Mapping[Tokens, int]) -> Tokens:
    return tuple(token for token in tokens if (token,) not in colours)


def _scanned(tokens: Tokens, index: Mapping[Tokens, int]) -> Iterator[Named]:
    """Names from left to right, the longest at each place; none overlaps another."""
    longest = max(map(len, index))
    place = 0
    while place < len(tokens):
        for length in range(min(longest, len(tokens) - place), 0, -1):
            known = index.get(tokens[place : place + length])
            if known is not None:
                yield Named(place, known)
                place += length
                break
        else:
            place += 1
