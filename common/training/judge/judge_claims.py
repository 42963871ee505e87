"""Captions of kit objects together with what they claim, so that a batch knows which are true.

An object is a row of codes (category, main colour, accent colour, finish, pattern, its colour) and
a caption is the same row with ``NOT_SAID`` where it is silent. A caption is true of an object if
all that it says agrees; "a car" is true of a red car, whichever car it was written for.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int64

from common.kit.captions import PATTERN_NOUNS, Facts, Language, Mention, caption, nouns
from common.kit.catalogue import CATEGORIES
from common.kit.palette import COLOUR_NAMES, ColourName
from common.kit.split import is_colour_held_out

NOT_SAID = -1
_ABSENT = -2
NUM_CODES = 6
BARE_SHARE = 0.2
"""Captions of the noun alone. Unlike in training data of what draws, they are given to objects of
any colour: a cyan apple is an apple, even though "an apple" asks for no cyan one."""
ACCENT_SHARE, FINISH_SHARE, PATTERN_SHARE = 0.6, 0.3, 0.4
"""How often the other captions mention these where the object has them."""
NUM_CONTRARY = 3

_CATEGORY = {category.name: index for index, category in enumerate(CATEGORIES)}
_COLOUR = {name: index for index, name in enumerate(COLOUR_NAMES)}
_PATTERN = {name: index for index, name in enumerate(PATTERN_NOUNS)}


@dataclass(frozen=True)
class Claim:
    """A caption and what it says."""

    facts: Facts
    mention: Mention
    language: Language
    noun: str

    @property
    def text(self) -> str:
        """The caption."""
        return caption(self.facts, self.mention, self.language, self.noun)

    @property
    def codes(self) -> Int64[np.ndarray, "6"]:
        """What is said, ``NOT_SAID`` elsewhere."""
        said = self.mention
        kept = (True, said.main, said.accent, said.finish, said.pattern, said.pattern)
        codes = fact_codes(self.facts)
        return np.where(np.array(kept) & (codes != _ABSENT), codes, NOT_SAID)


def fact_codes(facts: Facts) -> Int64[np.ndarray, "6"]:
    """An object as a row of codes."""
    return np.array([
        _CATEGORY[facts.category.name],
        _COLOUR[facts.main],
        _COLOUR[facts.accent] if facts.accent else _ABSENT,
        0 if facts.finish_english else _ABSENT,
        _PATTERN[facts.pattern] if facts.pattern else _ABSENT,
        _COLOUR[facts.pattern_colour] if facts.pattern_colour else _ABSENT,
    ])  # fmt: skip


def truths(
    objects: Int64[np.ndarray, "b 6"], claims: Int64[np.ndarray, "t 6"]
) -> Bool[np.ndarray, "b t"]:
    """Which captions are true of which objects."""
    agrees = objects[:, None] == claims[None]
    return (agrees | (claims == NOT_SAID)[None]).all(2)


def drawn_claim(facts: Facts, language: Language, rng: np.random.Generator) -> Claim:
    """A random true caption, from the bare noun to all that there is to say."""
    words = nouns(facts.category, language)
    words = (words[0], *words)
    bare, accent, finish, pattern = map(float, rng.random(4))
    mention = (
        Mention(main=False)
        if bare < BARE_SHARE
        else Mention(True, accent < ACCENT_SHARE, finish < FINISH_SHARE, pattern < PATTERN_SHARE)
    )
    return Claim(facts, mention, language, words[int(rng.integers(len(words)))])


def contrary_claims(claim: Claim, rng: np.random.Generator) -> tuple[Claim, ...]:
    """Up to ``NUM_CONTRARY`` false captions that differ from a true one in colours alone.

    Main and accent colour exchanged, another main colour, another accent colour; without an accent,
    other main colours. Pairs of category and main colour that are held out are not claimed, because
    what is never true in training would be learnt to be unlikely.
    """
    facts = claim.facts
    if facts.accent is None:
        said = replace(claim.mention, main=True)
        return tuple(
            replace(claim, facts=replace(facts, main=other), mention=said)
            for other in _other_colours(facts, (facts.main,), NUM_CONTRARY, rng)
        )
    both = Mention(True, True)
    taken = (facts.main, facts.accent)
    found = []
    if not is_colour_held_out(facts.category.name, facts.accent):
        swapped = replace(facts, main=facts.accent, accent=facts.main)
        found.append(replace(claim, facts=swapped, mention=both))
    for other in _other_colours(facts, taken, 1, rng):
        said = replace(claim.mention, main=True)
        found.append(replace(claim, facts=replace(facts, main=other), mention=said))
    accents = [name for name in COLOUR_NAMES if name not in taken]
    accent = accents[int(rng.integers(len(accents)))]
    found.append(replace(claim, facts=replace(facts, accent=accent), mention=both))
    return tuple(found)


def _other_colours(
    facts: Facts, taken: tuple[ColourName, ...], count: int, rng: np.random.Generator
) -> list[ColourName]:
    """Different colours that the category has in training."""
    options = [
        name
        for name in facts.category.colours
        if name not in taken and not is_colour_held_out(facts.category.name, name)
    ]
    return [options[int(i)] for i in rng.permutation(len(options))[:count]]
