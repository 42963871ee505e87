"""The kit half of the judge's batches: objects from all sides, true captions and false ones."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int64, UInt8

from common.errors import InputError
from common.kit.captions import Facts, Language, Mention, nouns
from common.kit.catalogue import CATEGORIES
from common.training.judge.judge_claims import Claim, contrary_claims, drawn_claim, fact_codes
from common.training.kit.kit_pictures import KitCategorySet

Codes = Int64[np.ndarray, "_ 6"]


@dataclass(frozen=True)
class KitSource:
    """Prepared pictures of every category, twice: under the kit's light, and under turned light."""

    still: tuple[KitCategorySet, ...] = ()
    turned: tuple[KitCategorySet, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two lists that are not of the same categories."""
        still, turned = ([one.category.name for one in sets] for sets in (self.still, self.turned))
        if still != turned:
            raise InputError(
                f"{len(still)} categories under the kit's light and {len(turned)} under turned "
                "light are not the same in the same order; prepare the kit again"
            )

    @cached_property
    def codes(self) -> tuple[tuple[Codes, ...], tuple[Codes, ...]]:
        """Codes of the objects of every category, under the kit's light and under turned light."""
        still, turned = (tuple(map(_codes, sets)) for sets in (self.still, self.turned))
        return still, turned


@dataclass(frozen=True)
class DrawnKit:
    """Renders of a batch and its kit captions: first one of each render, then false ones."""

    pixels: UInt8[np.ndarray, "b h w 4"]
    objects: Int64[np.ndarray, "b 6"]
    azimuths_deg: Float32[np.ndarray, " b"]
    """NaN under the kit's own light, by which an azimuth can be told without seeing the shape."""
    claims: tuple[Claim, ...]


def draw_kit(
    source: KitSource,
    num_categories: int,
    num_objects: int,
    num_others: int,
    turned_share: float,
    chinese_share: float,
    rng: np.random.Generator,
) -> DrawnKit:
    """One view each of ``num_objects`` objects of some categories, in different colours if it can.

    A category is seen under turned light with probability ``turned_share``. Objects of one
    category make colours the only difference; ``num_others`` bare nouns of all categories are
    added, true or not.
    """
    pixels, objects, azimuths, claims = [], [], [], []
    for index in rng.permutation(len(source.still))[:num_categories]:
        is_turned = bool(rng.random() < turned_share)
        one = (source.still, source.turned)[is_turned][int(index)]
        codes = source.codes[is_turned][int(index)]
        for shot_index in differently_coloured(codes, num_objects, rng):
            shot, view = one.shots[shot_index], int(rng.integers(one.num_views))
            pixels.append(np.asarray(one.pixels[shot_index * one.num_views + view]))
            objects.append(codes[shot_index])
            azimuths.append(shot.views[view].azimuth_deg if is_turned else np.nan)
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


def _codes(one: KitCategorySet) -> Codes:
    return np.stack([fact_codes(shot.facts) for shot in one.shots])


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
