"""What Perp-Neg moves a scene away from: a negative prompt, and the other sides of the thing.

Armandpour et al. 2023 (arXiv 2304.04968, section 4). A prior that is told sides in words likes
fronts best and draws them where sides are asked for. So the words "front view" and "side view"
become negatives, the heavier the farther a view looks from there: at a share ``r`` of the way
between two sides,

    w(r) = a exp(-b r) + c,

with threestudio's constants, which are 0 at the side itself and meet where two sides meet.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch

from common.diffusion.guidance_config import PerpNeg
from common.diffusion.guided_prediction import Negative
from common.embedded.image_unet import View
from threed.distillation.loss_config import EditLoss, GuidedLoss, PerpNegSides
from threed.distillation.picture_views import PictureViews, view_words
from threed.distillation.view_prior import ViewPrior

FRONT_BY_SIDE = (4.0, 0.5, -2.426)
"""``a, b, c`` of the front between front and side, and of the side there the other way round."""
FRONT_BY_BACK = (1.0, 0.5, 0.967)
"""Of the front between side and back."""
SIDE_BY_BACK = (1.0, 0.5, -0.606)
"""Of the side between side and back."""
_ROUND = ("front view", "side view", "back view")


def negatives_of(
    prior: ViewPrior, loss: EditLoss, prompt: str, views: Sequence[View], count: int
) -> tuple[Negative[Any], ...]:
    """The negatives of a step; none of losses without Perp-Neg.

    Args:
        prior: what is distilled.
        loss: with its guidance.
        prompt: what the object is.
        views: where the renders look from.
        count: scenes that look from there.
    """
    if not isinstance(loss, GuidedLoss) or not isinstance(loss.guidance, PerpNeg):
        return ()
    alone = isinstance(prior, PictureViews)  # each view is judged, and projected, by itself
    found = []
    if loss.negative_prompt.strip():
        shape = (count, len(views)) if alone else (count,)
        cond = prior.embed([loss.negative_prompt] * count, [views] * count)
        found.append(Negative(cond, torch.ones(shape)))
    if alone and isinstance(loss.guidance, PerpNegSides) and loss.guidance.other_sides:
        weights = torch.tensor([side_weights(view) for view in views]).expand(count, -1, -1)
        for index, side in enumerate(_ROUND[:2]):
            cond = prior.embed([f"{prompt}, {side}"] * count)
            found.append(Negative(cond, weights[..., index]))
    return tuple(found)


def side_weights(view: View) -> tuple[float, float]:
    """How heavily a view moves away from the front and from the side; not at all from above."""
    if view_words(view) not in _ROUND:
        return 0.0, 0.0
    turn = abs((view.azimuth_deg + 180) % 360 - 180) / 90
    if turn < 1:
        return _decayed(FRONT_BY_SIDE, 1 - turn), _decayed(FRONT_BY_SIDE, turn)
    return _decayed(FRONT_BY_BACK, 2 - turn), _decayed(SIDE_BY_BACK, 2 - turn)


def _decayed(constants: tuple[float, float, float], share: float) -> float:
    a, b, c = constants
    return max(a * math.exp(-b * share) + c, 0.0)
