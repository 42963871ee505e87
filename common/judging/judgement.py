"""What the judge says of single pictures, and the shares of many."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from common.judging.azimuth import RIGHT_WITHIN_DEG
from common.judging.names import DOMAINS, Domain


@dataclass(frozen=True)
class Judgement:
    """One picture against what was asked; None where nothing was asked or can be told."""

    domain: Domain
    """Of what was asked."""
    rank: int | None = None
    """Place of the asked concept among all names, from 0."""
    colour: bool | None = None
    """Whether the asked main colour beats the other eleven in the caption."""
    accent: bool | None = None
    """Whether the asked accent colour does."""
    order: bool | None = None
    """Whether the caption beats the one with main and accent colour exchanged."""
    azimuth_error_deg: float | None = None
    """Degrees between the asked azimuth and the one seen, in [0, 180]."""


def _among_first(count: int) -> Callable[[Judgement], bool | None]:
    return lambda one: None if one.rank is None else one.rank < count


def _concept_and_colour(one: Judgement) -> bool | None:
    return None if one.rank is None or one.colour is None else one.rank == 0 and one.colour


def _view(one: Judgement) -> bool | None:
    error = one.azimuth_error_deg
    return None if error is None else error <= RIGHT_WITHIN_DEG


SCORES: Mapping[str, Callable[[Judgement], bool | None]] = {
    "top1": _among_first(1),
    "top5": _among_first(5),
    "colour": lambda one: one.colour,
    "top1_and_colour": _concept_and_colour,
    "accent": lambda one: one.accent,
    "order": lambda one: one.order,
    "view": _view,
}
"""Every score: whether it is right of a picture, None where it was not asked."""


@dataclass(frozen=True)
class Share:
    """How many of the pictures that could be right are."""

    num_right: int
    num_asked: int

    @property
    def value(self) -> float:
        """The share, in [0, 1]."""
        return self.num_right / self.num_asked


def shares(judgements: Sequence[Judgement]) -> dict[str, Share]:
    """Every score that was asked, by ``<domain>/<score>``, such as ``objects/colour``."""
    found: dict[str, Share] = {}
    for domain in DOMAINS:
        of_domain = [one for one in judgements if one.domain == domain]
        for name, right in SCORES.items():
            said = [value for one in of_domain if (value := right(one)) is not None]
            if said:
                found[f"{domain}/{name}"] = Share(sum(said), len(said))
    return found
