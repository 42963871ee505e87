"""Drawing one clip from its prompt alone, all steps at once.

Runs that can be stopped and resumed take them one by one (`common/generation/sampling.py`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.given import Beginning, Given, beginning
from common.diffusion.guidance_config import Guidance
from common.diffusion.sample import sample
from common.diffusion.sampler_config import Sampler
from common.diffusion.samplers import Scheduler, build_scheduler
from common.embedded.first_frame import clip_draws, first_frames, first_frames_from
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import View
from common.embedded.moved_start import moved_start
from common.embedded.prior import EmbeddedCond, EmbeddedPrior
from common.embedded.temporal_filter import Lead, decoded_clips
from common.seeding import generators_for
from common.shapes import Images


class Drawing(NamedTuple):
    """How clips are drawn."""

    sampler: Sampler
    """How noise becomes clips."""
    guidance: Guidance
    """How strongly they follow the prompt; it moves away from no prompt and no view."""
    seed: int
    """With the place of a clip among others, chooses all that is drawn."""


@torch.no_grad()
def drawn_clip(
    prior: FramePrior,
    prompt: str,
    views: Sequence[View] | None,
    drawing: Drawing,
    place: int,
    first: Images | None = None,
) -> Float[Tensor, "b p f y x"]:
    """One clip, or the views of one thing: pictures in [-1, 1], with a batch axis of 1.

    Args:
        prior: of clips, or of views.
        prompt: what is shown.
        views: of each frame, or None.
        drawing: how.
        place: which of the seed's clips.
        first: clean latents of the first frame; None draws it where clips begin so.
    """
    scheduler = build_scheduler(drawing.sampler, prior.spec.schedule, prior.spec.prediction)
    draws = clip_draws(prior, drawing.seed, [place])
    begin, lead = Beginning(draws.noise, 0, None), None
    if prior.first_alone:
        said = _said(prior.pictures, prompt, views)
        if first is None:
            empty = prior.pictures.embed_negative([""])
            first = first_frames(prior, said, empty, drawing.sampler, drawing.guidance, draws)
        begin, lead = moved_start(prior, said.vector, first, scheduler, draws.noise, draws.moving)
    return _sampled(prior, prompt, views, drawing, place, first, scheduler, begin, lead)


@torch.no_grad()
def redrawn_clip(
    prior: FramePrior,
    prompt: str,
    views: Sequence[View] | None,
    drawing: Drawing,
    place: int,
    given: Given,
) -> Float[Tensor, "b p f y x"]:
    """A clip that is made from a given one (SDEdit); otherwise as `drawn_clip`."""
    scheduler = build_scheduler(drawing.sampler, prior.spec.schedule, prior.spec.prediction)
    draws, first = clip_draws(prior, drawing.seed, [place]), None
    if prior.first_alone:
        alone = prior.of_first_frames()
        fronts = None if views is None else [views[:1]]
        first = first_frames_from(
            alone, alone.embed([prompt], fronts), alone.embed([""], hidden=True), drawing.sampler,
            drawing.guidance, draws, given.of_first_frame(),
        )  # fmt: skip
    begin = beginning(given, scheduler, draws.noise)
    return _sampled(prior, prompt, views, drawing, place, first, scheduler, begin)


def _said(pictures: EmbeddedPrior, prompt: str, views: Sequence[View] | None) -> EmbeddedCond:
    return pictures.embed([prompt], None if views is None else [views[0]])


def _sampled(
    prior: FramePrior,
    prompt: str,
    views: Sequence[View] | None,
    drawing: Drawing,
    place: int,
    first: Images | None,
    scheduler: Scheduler,
    begin: Beginning,
    lead: Lead | None = None,
) -> Float[Tensor, "b p f y x"]:
    *_, last = sample(
        prior, scheduler, prior.embed([prompt], [views], first),
        prior.embed([""], first=first, hidden=True), drawing.guidance, begin.latents,
        generators_for(drawing.seed, [place], "sampler"), begin=begin.evaluation, kept=begin.kept,
    )  # fmt: skip
    return decoded_clips(prior, torch.as_tensor(last.latents), lead).clamp(-1, 1)
