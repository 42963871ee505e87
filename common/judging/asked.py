"""What was asked of a picture, and captions that ask for another colour."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from common.errors import InputError
from common.judging.names import DOMAINS, Domain, Language, Names


@dataclass(frozen=True)
class Asked:
    """A caption and what it means; what is None is not scored."""

    caption: str
    """The words."""
    domain: Domain
    """Among which names its concept competes, and whose ceilings are printed beside the scores."""
    concept: str | None = None
    """Key of the name in its domain: an emoji's code points or the noun of a category."""
    colour: str | None = None
    """English word of the colour that the caption gives to the whole or to its main part."""
    accent: str | None = None
    """English word of the colour that it gives to a second part."""
    azimuth_deg: float | None = None
    """From where it is to be seen; 0 is the front."""
    language: Language = "en"
    """Of the caption."""


def check_asked(asked: Iterable[Asked], names: Names) -> None:
    """Refuse what cannot be scored.

    Raises:
        InputError: a concept or colour that is none of the names, a colour that the caption does
            not say, or one colour for both parts.
    """
    colours = {name.key for name in names.colours}
    known = {domain: {name.key for name in names.of(domain)} for domain in DOMAINS}
    for one in asked:
        if one.concept is not None and one.concept not in known[one.domain]:
            raise InputError(f"'{one.concept}' is none of the {one.domain} that can be scored")
        if one.colour is not None and one.colour == one.accent:
            raise InputError(
                f"'{one.caption}' gives {one.colour} to both parts; to score them apart, ask for "
                "two colours"
            )
        for colour in (one.colour, one.accent):
            if colour is not None and colour not in colours:
                raise InputError(f"'{colour}' is no colour word; known: {', '.join(colours)}")
            if colour is not None:
                with_colours(one, names, {colour: colour})


def with_colours(asked: Asked, names: Names, exchanged: dict[str, str]) -> str:
    """The caption with colour words exchanged, all at once; English articles follow the sound.

    Args:
        asked: the caption and its language.
        names: the colour words.
        exchanged: the new colour of each old one, as English words.

    Raises:
        InputError: the caption does not say one of the old colours.
    """
    words = {name.key: name.said(asked.language) for name in names.colours}
    new = {words[old]: words[other] for old, other in exchanged.items()}
    for word in new:
        if not _pattern([word], asked.language).search(asked.caption):
            raise InputError(f"the caption '{asked.caption}' does not say {word}")
    pattern = _pattern(list(new), asked.language)
    return pattern.sub(lambda found: _exchanged(found, new), asked.caption)


def _pattern(words: list[str], language: Language) -> re.Pattern[str]:
    """Any of the words; in English whole ones, with the article right before them."""
    any_word = "|".join(map(re.escape, words))
    if language == "zh":
        return re.compile(f"(?P<article>)(?P<word>{any_word})")
    return re.compile(rf"\b(?P<article>an? )?(?P<word>{any_word})\b")


def _exchanged(found: re.Match[str], new: dict[str, str]) -> str:
    word = new[found["word"]]
    if not found["article"]:
        return word
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def scrambled(asked: Sequence[Asked], seed: int) -> list[Asked]:
    """What was asked, exchanged among the pictures so that none keeps its own.

    A random cyclic permutation (Sattolo 1986). Pictures of which other things were asked (say, no
    accent) exchange among themselves, so that each score keeps its number of pictures. If there is
    but one of a kind, it keeps its own.
    """
    rng = np.random.default_rng(seed)
    kinds: dict[tuple[object, ...], list[int]] = {}
    for index, one in enumerate(asked):
        given = (one.concept, one.colour, one.accent, one.azimuth_deg)
        kind = (one.domain, one.language, *(part is None for part in given))
        kinds.setdefault(kind, []).append(index)
    source = list(range(len(asked)))
    for members in kinds.values():
        moved = list(members)
        for last in range(len(moved) - 1, 0, -1):
            other = int(rng.integers(last))
            moved[last], moved[other] = moved[other], moved[last]
        for index, taken in zip(members, moved, strict=True):
            source[index] = taken
    return [asked[index] for index in source]
