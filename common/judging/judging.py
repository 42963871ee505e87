"""Pictures and what was asked of them to judgements.

Pictures are laid on several plain backgrounds and their features averaged, so that a white object
is not lost on a white page; azimuths are the mode of the averaged distribution.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import einsum
from jaxtyping import Float
from torch import Tensor

from common.embedded.judge import Judge, on_backgrounds
from common.errors import InputError
from common.judging.asked import Asked, check_asked
from common.judging.azimuth import circular_mode_deg, degrees_apart
from common.judging.judgement import Judgement
from common.judging.names import DOMAINS, LANGUAGES
from common.judging.read_texts import ReadTexts
from common.shapes import Images

Rgb = tuple[float, float, float]
BACKGROUNDS: tuple[Rgb, ...] = ((0.86, 0.86, 0.86), (0.45, 0.55, 0.62))
"""sRGB in [0, 1]: a light page, and a duller, darker blue-grey against which white stands out."""
_BATCH = 128


class Seen(NamedTuple):
    """What the judge makes of pictures, whatever was asked."""

    features: Float[Tensor, "b d"]
    """Unit features."""
    azimuths_deg: Float[Tensor, " b"]
    """From where each is seen, in [0, 360)."""


@torch.no_grad()
def look(judge: Judge, pictures: Images, backgrounds: Sequence[Rgb] = BACKGROUNDS) -> Seen:
    """See premultiplied RGBA pictures in [-1, 1] on each background.

    Raises:
        InputError: the pictures have another number of channels.
    """
    if pictures.shape[1] != 4:
        raise InputError(f"the judge is shown RGBA pictures, not {pictures.shape[1]} channels")
    device = judge.log_scale.device
    features, azimuths = [], []
    for some in pictures.split(_BATCH):
        looked = []
        for colour in backgrounds:
            behind = torch.tensor(colour).repeat(len(some), 1).to(some)
            looked.append(judge.look_at(on_backgrounds(some, behind).float().to(device)))
        mean = torch.stack([one.features for one in looked]).mean(0)
        features.append(F.normalize(mean, dim=1).cpu())
        logits = torch.stack([one.azimuths.log_softmax(1) for one in looked]).mean(0)
        azimuths.append(circular_mode_deg(logits).cpu())
    return Seen(torch.cat(features), torch.cat(azimuths))


def judgements(seen: Seen, asked: Sequence[Asked], texts: ReadTexts) -> list[Judgement]:
    """Each picture against what was asked of it.

    Raises:
        InputError: not as many as there are pictures, or something that cannot be scored.
    """
    if len(seen.features) != len(asked):
        raise InputError(f"{len(seen.features)} pictures and {len(asked)} things asked")
    different = {replace(one, azimuth_deg=None): None for one in asked}
    check_asked(different, texts.names)
    texts.read_for(different)
    columns = (
        [one.domain for one in asked],
        _ranks(seen.features, asked, texts),
        _are_best(seen.features, asked, [one.colour for one in asked], texts),
        _are_best(seen.features, asked, [one.accent for one in asked], texts),
        _are_in_order(seen.features, asked, texts),
        _azimuth_errors(seen.azimuths_deg, asked),
    )
    return [Judgement(*row) for row in zip(*columns, strict=True)]


def _ranks(
    features: Float[Tensor, "b d"], asked: Sequence[Asked], texts: ReadTexts
) -> list[int | None]:
    """How many names fit each picture better than the asked one."""
    ranks: list[int | None] = [None] * len(asked)
    for domain in DOMAINS:
        place = {name.key: index for index, name in enumerate(texts.names.of(domain))}
        for language in LANGUAGES:
            kind = (domain, language)
            rows = [row for row, one in enumerate(asked)
                    if one.concept is not None and (one.domain, one.language) == kind]  # fmt: skip
            if not rows:
                continue
            scores = features[rows] @ texts.of_names(domain, language).T
            wanted = torch.tensor([[place[str(asked[row].concept)]] for row in rows])
            better = (scores > scores.gather(1, wanted)).sum(1)
            for row, rank in zip(rows, better.tolist(), strict=True):
                ranks[row] = rank
    return ranks


def _are_best(
    features: Float[Tensor, "b d"],
    asked: Sequence[Asked],
    colours: Sequence[str | None],
    texts: ReadTexts,
) -> list[bool | None]:
    """Whether no other word in the place of a colour fits better."""
    found: list[bool | None] = [None] * len(asked)
    rows = [row for row, colour in enumerate(colours) if colour is not None]
    if rows:
        rivals = torch.stack([texts.in_every_colour(asked[r], str(colours[r])) for r in rows])
        scores = einsum(rivals, features[rows], "b colours d, b d -> b colours")
        for row, best in zip(rows, scores.argmax(1).tolist(), strict=True):
            found[row] = texts.names.colours[best].key == colours[row]
    return found


def _are_in_order(
    features: Float[Tensor, "b d"], asked: Sequence[Asked], texts: ReadTexts
) -> list[bool | None]:
    """Whether the caption fits better than with its two colours exchanged."""
    found: list[bool | None] = [None] * len(asked)
    rows = [r for r, one in enumerate(asked) if one.colour is not None and one.accent is not None]
    if rows:
        both = torch.stack([texts.both_orders(asked[row]) for row in rows])
        scores = einsum(both, features[rows], "b orders d, b d -> b orders")
        for row, (said, swapped) in zip(rows, scores.tolist(), strict=True):
            found[row] = said > swapped
    return found


def _azimuth_errors(
    azimuths_deg: Float[Tensor, " b"], asked: Sequence[Asked]
) -> list[float | None]:
    """Degrees between seen and asked azimuth."""
    wanted = torch.tensor([one.azimuth_deg or 0.0 for one in asked])
    errors = degrees_apart(azimuths_deg, wanted).tolist()
    return [
        None if one.azimuth_deg is None else error for one, error in zip(asked, errors, strict=True)
    ]
