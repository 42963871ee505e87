"""What priors are told of a run's samples: prompts, views, and what guidance moves away from."""

from typing import Any

import torch
from torch import Tensor

from common.diffusion.frame_curves import PromptTravel
from common.diffusion.guidance_config import Composed, PerpNeg
from common.diffusion.guided_prediction import Negative
from common.diffusion.prior import Prior, TravelsPrompts, embedded_negative
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import View
from common.embedded.prior import EmbeddedCond, EmbeddedPrior
from common.generation.config import GenerationConfig


def seen_from(
    prior: Prior[Any],
    prompt: str,
    view: View | None,
    count: int,
    first: Tensor | None = None,
    travel: PromptTravel | None = None,
) -> Any:
    """The prompt for each sample, from its view or views, after the first frame if given."""
    if travel is not None:
        if isinstance(prior, FramePrior):
            return prior.embed_travel(travel, count, view, first)
        assert isinstance(prior, TravelsPrompts)  # the app has refused the others
        return prior.embed_travel(travel, count)
    if isinstance(prior, FramePrior):
        views = None if view is None else [[view] * prior.num_frames] * count
        if prior.path is not None:
            views = [list(prior.path.views)] * count
        return prior.embed([prompt] * count, views, first)
    if view is None:
        return prior.embed([prompt] * count)
    assert isinstance(prior, EmbeddedPrior)  # ``check_prior`` has refused the others
    return prior.embed([prompt] * count, [view] * count)


def negatives_of(
    config: GenerationConfig, prior: Prior[Any], count: int, first: Tensor | None = None
) -> tuple[Any, list[Negative[Any]]]:
    """What guidance moves away from, and the further prompts that have predictions of their own.

    The negative prompt takes the empty one's place, but for Perp-Neg, where it is beside it.
    """
    match config.guidance:
        case PerpNeg():
            unsaid, further = "", {config.negative_prompt: 1.0}
        case Composed() as guidance:
            unsaid = config.negative_prompt
            further = {one.prompt: one.weight for one in guidance.conditions}
        case _:
            unsaid, further = config.negative_prompt, {}
    told = [
        Negative(_alone(prior, prompt, count, first), torch.full((count,), weight))
        for prompt, weight in further.items()
    ]
    return _left_behind(prior, unsaid, count, first), told


def _alone(prior: Prior[Any], prompt: str, count: int, first: Tensor | None) -> Any:
    """A prompt without view and pictures; a given first frame is seen."""
    if isinstance(prior, FramePrior):
        return prior.embed([prompt] * count, None, first).without_pictures()
    return embedded_negative(prior, [prompt] * count)


def _left_behind(prior: Prior[Any], prompt: str, count: int, first: Tensor | None) -> Any:
    """What guidance moves away from.

    It does not see a given first frame, so that guidance leads there as it does to the prompt.
    """
    if isinstance(prior, FramePrior):
        return prior.embed([prompt] * count, None, first, hidden=True)
    return embedded_negative(prior, [prompt] * count)


def of_pictures(
    config: GenerationConfig, prior: FramePrior, view: View | None, count: int
) -> EmbeddedCond:
    """What the image prior under a prior of clips is told of each sample."""
    cond: EmbeddedCond = seen_from(prior.pictures, config.prompt, view, count)
    return cond
