"""The kit half of the judge's batches: objects from all sides, true captions and false ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from common.kit.captions import Facts, Language, Mention, nouns
from common.kit.catalogue import CATEGORIES
from common.training.judge_claims import Claim, contrary_claims, drawn_claim, fact_codes
from common.training.kit_pictures import KitCategorySet


@dataclass(frozen=True)
class KitSource:
    """The prepared pictures by category, with the codes of every object."""

    sets: tuple[KitCategorySet, ...]
    codes: tuple[Int64[np.ndarray, "_ 6"], ...]


@dataclass(frozen=True)
class DrawnKit:
    """Renders of a batch and its kit captions: first one of each render, then false ones."""

    pixels: UInt8[np.ndarray, "b h w 4"]
    objects: Int64[np.ndarray, "b 6"]
    azimuths_deg: Float32[np.ndarray, " b"]
    claims: tuple[Claim, ...]


def kit_source(sets: Sequence[KitCategorySet]) -> KitSource:
    """Sets with the codes of their objects."""
    codes = tuple(np.stack([fact_codes(shot.facts) for shot in one.shots]) for one in sets)
    return KitSource(tuple(sets), codes)


def draw_kit(
    source: KitSource,
    num_categories: int,
    num_objects: int,
    num_others: int,
    chinese_share: float,
    rng: np.random.Generator,
) -> DrawnKit:
    """One view each of ``num_objects`` objects of some categories, in different colours if it can.

    Objects of one category make colours the only difference; ``num_others`` bare nouns of all
    categories are added, true or not.
    """
    pixels, objects, azimuths, claims = [], [], [], []
    for index in rng.permutation(len(source.sets))[:num_categories]:
        one = source.sets[int(index)]
        for shot_index in differently_coloured(source.codes[int(index)], num_objects, rng):
            shot, view = one.shots[shot_index], int(rng.integers(one.num_views))
            pixels.append(np.asarray(one.pixels[shot_index * one.num_views + view]))
            objects.append(source.codes[int(index)][shot_index])
            azimuths.append(shot.views[view].azimuth_deg)
            claims.append(drawn_claim(shot.facts, _language(chinese_share, rng), rng))
    contrary = [false for claim in claims for false in contrary_claims(claim, rng)]
    others = _bare_nouns(num_others, chinese_share, rng)
    return DrawnKit(
        np.stack(pixels), np.stack(objects), np.array(azimuths, np.float32),
        (*claims, *contrary, *others),
    )  # fmt: skip


def differently_coloured(
    codes: Int64[np.ndarray, "n 6"], count: int, rng: np.random.Generator
) -> list[int]:
    """Objects at random, of main colours that were not taken as long as there are any."""
    order = [int(index) for index in rng.permutation(len(codes))]
    taken: set[int] = set()
    first: list[int] = []
    rest: list[int] = []
    for index in order:
        colour = int(codes[index, 1])
        (rest if colour in taken else first).append(index)
        taken.add(colour)
    return (first + rest)[:count]


def _bare_nouns(count: int, chinese_share: float, rng: np.random.Generator) -> list[Claim]:
    found = []
    for index in rng.permutation(len(CATEGORIES))[:count]:
        category = CATEGORIES[int(index)]
        language = _language(chinese_share, rng)
        facts = Facts(category, category.usual[0])
        found.append(Claim(facts, Mention(main=False), language, nouns(category, language)[0]))
    return found


def _language(chinese_share: float, rng: np.random.Generator) -> Language:
    return "zh" if rng.random() < chinese_share else "en"
