"""Clips of a model that draws first frames itself: these are drawn alone, then moved as told.

Clips of one frame are its pictures. So a clip is a picture that the same model has drawn, laid
where its motion needs it, and its moved start (`moved_start`), from which the model goes on.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.given import Beginning
from common.diffusion.guidance_config import Guidance
from common.diffusion.guided_prediction import Negative
from common.diffusion.sample import sample
from common.diffusion.samplers import Scheduler
from common.embedded.first_frame import ClipDraws
from common.embedded.framing import laid
from common.embedded.moved_start import begun, moved_start
from common.embedded.planned_clips import PlannedClips, decoded_frame, encoded_frame
from common.embedded.temporal_filter import Lead
from common.shapes import Images


class Said(NamedTuple):
    """What first frames are drawn for."""

    cond: Any
    """The condition of the prior of first frames."""
    uncond: Any
    """What guidance moves away from."""
    vectors: Float[Tensor, "b d"]
    """What the plan is told from."""
    negatives: Sequence[Negative[Any]] = ()
    """Of Perp-Neg, or of several conditions."""


@torch.no_grad()
def led_start(
    prior: PlannedClips,
    said: Said,
    scheduler: Scheduler,
    guidance: Guidance,
    draws: ClipDraws,
    first: Images | None = None,
) -> tuple[Beginning, Lead | None]:
    """Where clips begin, and what they are led by if it is not noise alone.

    Args:
        prior: of the clips.
        said: of their first frames.
        scheduler: knows the noise level of each evaluation; of clips and of first frames.
        guidance: how strongly first frames follow the prompts.
        draws: noise and generators.
        first: clean latents of first frames that are given.
    """
    if begun(prior.plan, said.vectors, scheduler) == 0:
        return Beginning(draws.noise, 0, None), None
    if first is None:
        first = _drawn_alone(prior, said, scheduler, guidance, draws)
    return moved_start(prior, said.vectors, first, scheduler, draws.noise, draws.moving)


def _drawn_alone(
    prior: PlannedClips, said: Said, scheduler: Scheduler, guidance: Guidance, draws: ClipDraws
) -> Images:
    *_, last = sample(
        prior.of_first_frames(), scheduler, said.cond, said.uncond, guidance,
        draws.noise[:, :, :1], draws.sampling, negatives=said.negatives,
    )  # fmt: skip
    drawn = torch.as_tensor(last.latents)[:, :, 0]
    if prior.plan.framing is None:
        return drawn
    boxes = prior.plan.framing.boxes(said.vectors, draws.framing)
    return encoded_frame(prior, laid(decoded_frame(prior, drawn), boxes))
