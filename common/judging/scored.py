"""Scores of generated pictures between their floor and their ceiling.

The ceiling is the judge's own accuracy on real held-out pictures, measured when it was trained and
stored in its manifest; nobody can be scored above it in earnest. The floor is the same score of the
same pictures with what was asked exchanged among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from common.embedded.judge import Judge
from common.errors import InputError
from common.judging.asked import Asked, scrambled
from common.judging.judgement import Share, shares
from common.judging.judging import Seen, judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.shapes import Images

MIN_VIEW_CEILING = 0.95
"""Views of a category are scored if its real views, each under a light turned at random so that
only the shape tells them, retrieve themselves at least this often."""
VIEW_FIGURE = "ceiling/view/"
NUM_SCRAMBLES = 5

RealPictures = Literal["any view", "front", "new colours", "Chinese"]
"""On which real renders a ceiling for objects was measured: held-out instances from everywhere or
from the front, held-out (object, colour) pairs, or fronts asked for in Chinese."""
_PARTS: Mapping[RealPictures, str] = {
    "any view": "objects",
    "front": "objects_front",
    "new colours": "objects_pairs",
    "Chinese": "objects_zh",
}


@dataclass(frozen=True)
class Score:
    """A share with what it can be compared to, all in [0, 1]."""

    share: Share
    ceiling: float
    """The same on real held-out pictures."""
    floor: float
    """The same with what was asked scrambled among the pictures."""


def told_categories(figures: Mapping[str, float]) -> dict[str, float]:
    """The categories whose views may be scored, and how often their real views are told right."""
    shares_of = {
        name.removeprefix(VIEW_FIGURE): value
        for name, value in figures.items()
        if name.startswith(VIEW_FIGURE)
    }
    return {name: value for name, value in shares_of.items() if value >= MIN_VIEW_CEILING}


def scored(
    judge: Judge,
    pictures: Images,
    asked: Sequence[Asked],
    figures: Mapping[str, float],
    real: RealPictures = "any view",
    seed: int = 0,
) -> dict[str, Score]:
    """Every score that was asked, by ``<domain>/<score>``.

    Views of categories that cannot be told are left out (``told_categories``).

    Args:
        judge: from ``load_judge``.
        pictures: premultiplied RGBA in [-1, 1].
        asked: of each picture.
        figures: of the judge's manifest.
        real: the real renders whose figures are the ceilings for objects.
        seed: of the scrambling.

    Raises:
        InputError: something cannot be scored, or the judge has no ceiling for it.
    """
    told = told_categories(figures)
    kept = [one if one.concept in told else replace(one, azimuth_deg=None) for one in asked]
    texts = ReadTexts(judge, load_names())
    seen = look(judge, pictures)
    found = shares(judgements(seen, kept, texts))
    floors = floor_shares(seen, kept, texts, seed)
    return {
        name: Score(share, _ceiling(name, kept, figures, told, real), floors[name])
        for name, share in found.items()
    }


def floor_shares(
    seen: Seen,
    asked: Sequence[Asked],
    texts: ReadTexts,
    seed: int = 0,
    num_ways: int = NUM_SCRAMBLES,
) -> dict[str, float]:
    """Every score with what was asked scrambled: the mean over some ways to do it."""
    sums: dict[str, float] = {}
    for way in range(num_ways):
        mixed = scrambled(asked, seed + way)
        for name, share in shares(judgements(seen, mixed, texts)).items():
            sums[name] = sums.get(name, 0.0) + share.value / num_ways
    return sums


def _ceiling(
    name: str,
    asked: Sequence[Asked],
    figures: Mapping[str, float],
    told: Mapping[str, float],
    real: RealPictures,
) -> float:
    """The figure that belongs to a score; of views, over the categories that were asked."""
    domain, _, score = name.partition("/")
    if score == "view":
        of_asked = [told[str(one.concept)] for one in asked if one.azimuth_deg is not None]
        return sum(of_asked) / len(of_asked)
    part = _PARTS[real] if domain == "objects" else domain
    figure = f"ceiling/{part}/{score}"
    if figure not in figures:
        raise InputError(
            f"this judge was never measured on real pictures for '{figure}'; it has "
            f"{', '.join(sorted(n for n in figures if n.count('/') == 2)) or 'no figures'}"
        )
    return figures[figure]
