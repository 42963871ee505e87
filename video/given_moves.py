"""Clips that are drawn anew and move as a given one does."""

from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.prior import Prior
from common.embedded.planned_clips import PlannedClips
from common.embedded.seen_moves import moving_as
from video.given_frames import ClipMethod
from video.video_to_video import VideoToVideo


@torch.no_grad()
def moving_as_given(
    prior: Prior[Any], method: ClipMethod, frames: Float[Tensor, "c f h w"]
) -> Prior[Any]:
    """The prior of clips whose things move as those of a given clip of which nothing else stays.

    Of less strength, the clip itself is what samples begin with; priors whose clips begin with
    noise alone stay as they are.
    """
    if not isinstance(method, VideoToVideo) or method.strength < 1:
        return prior
    if not isinstance(prior, PlannedClips) or prior.plan.noise is None:
        return prior
    moving: Prior[Any] = moving_as(prior, rearrange(frames, "c f h w -> 1 c f h w"))
    return moving
