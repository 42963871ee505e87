"""Drawing a clip in two parts: its first frame, then what follows from it.

The first frame is a picture of the image prior, which knows things best, laid where its motion
needs it; with that frame given, what is left to draw is how it moves (Emu Video, Girdhar et al.
2023, arXiv 2311.10709). What guidance moves away from sees neither the prompt nor that frame.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.given import Given, beginning
from common.diffusion.guidance_config import Guidance
from common.diffusion.guided_prediction import Negative
from common.diffusion.sample import sample
from common.diffusion.sampler_config import Sampler
from common.diffusion.samplers import build_scheduler
from common.embedded.close_up import close_up, enlarged
from common.embedded.frame_prior import FramePrior
from common.embedded.frames_cond import FramesCond
from common.embedded.framing import laid
from common.embedded.planned_clips import PlannedClips
from common.embedded.prior import EmbeddedCond
from common.seeding import generators_for
from common.shapes import Clips, Images


class ClipDraws(NamedTuple):
    """What clips are drawn from, one generator a sample."""

    noise: Clips
    """That the whole clips begin with; first frames begin with theirs."""
    sampling: Sequence[torch.Generator]
    """Of first frames, for samplers that draw noise."""
    framing: Sequence[torch.Generator]
    """For where things are."""
    moving: Sequence[torch.Generator]
    """For how they move."""


def clip_draws(
    prior: PlannedClips,
    seed: int,
    samples: Sequence[int],
    stream: str = "",
    moving: str | None = None,
) -> ClipDraws:
    """The draws of a run's samples.

    Args:
        prior: of the clips.
        seed: the run's.
        samples: their indices.
        stream: tells several clips of one sample apart.
        moving: the stream of the clip that these go on with, which chose how things move, and
            whose noise they have, so that what is drawn over the move stays alike.
    """
    if moving is None:
        moving = stream
    return ClipDraws(
        prior.noise(generators_for(seed, samples, f"latents{moving}")),
        generators_for(seed, samples, f"first frame{stream}"),
        generators_for(seed, samples, f"framing{stream}"),
        generators_for(seed, samples, f"moving{moving}"),
    )


def first_frames(
    prior: FramePrior,
    cond: EmbeddedCond,
    uncond: EmbeddedCond,
    sampler: Sampler,
    guidance: Guidance,
    draws: ClipDraws,
    negatives: Sequence[Negative[EmbeddedCond]] = (),
    framed_as: Float[Tensor, "b d"] | None = None,
) -> Images:
    """Clean latents of the first frames.

    Args:
        prior: of the clips.
        cond: the image prior's condition of the prompts.
        uncond: its condition of what guidance moves away from.
        sampler: how noise becomes pictures.
        guidance: how strongly they follow the prompts.
        draws: noise and generators.
        negatives: of Perp-Neg.
        framed_as: vectors of the prompts that tell where things are, if others do than these.
    """
    pictures = prior.pictures
    part = close_up(pictures.controls)
    if part is not None:
        pictures = pictures.following(enlarged(pictures.controls, part), pictures.loras)
    scheduler = build_scheduler(sampler, pictures.spec.schedule, pictures.spec.prediction)
    begun = draws.noise[:, :, 0]
    steps = sample(
        pictures, scheduler, cond, uncond, guidance, begun, draws.sampling, negatives=negatives
    )
    *_, last = steps
    drawn: Images = torch.as_tensor(last.latents)
    if part is not None:
        return pictures.encode(part.laid_back(pictures.decode(drawn).clamp(-1, 1)))
    if prior.plan.framing is None:
        return drawn
    vectors = cond.vector if framed_as is None else framed_as
    boxes = prior.plan.framing.boxes(vectors, draws.framing)
    return pictures.encode(laid(pictures.decode(drawn).clamp(-1, 1), boxes))


def first_frames_from(
    alone: FramePrior,
    cond: FramesCond,
    uncond: FramesCond,
    sampler: Sampler,
    guidance: Guidance,
    draws: ClipDraws,
    given: Given,
    negatives: Sequence[Negative[FramesCond]] = (),
) -> Images:
    """Clean latents of first frames that are made from something given, where that has its thing.

    Args:
        alone: the prior of clips of one frame, from `FramePrior.of_first_frames`.
        cond: its condition of the prompts.
        uncond: its condition of what guidance moves away from.
        sampler: how noise becomes pictures.
        guidance: how strongly they follow the prompts.
        draws: noise and generators.
        given: of the first frame, as a clip of one frame.
        negatives: of Perp-Neg.
    """
    scheduler = build_scheduler(sampler, alone.spec.schedule, alone.spec.prediction)
    begin = beginning(given, scheduler, draws.noise[:, :, :1])
    steps = sample(
        alone, scheduler, cond, uncond, guidance, begin.latents, draws.sampling,
        negatives=negatives, begin=begin.evaluation, kept=begin.kept,
    )  # fmt: skip
    *_, last = steps
    return torch.as_tensor(last.latents[:, :, 0])
