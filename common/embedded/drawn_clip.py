"""Drawing one clip from its prompt alone, all steps at once.

Runs that can be stopped and resumed take them one by one (`common/generation/sampling.py`).
"""

from collections.abc import Sequence

import torch

from common.diffusion.guidance_config import Guidance
from common.diffusion.sample import sample
from common.diffusion.sampler_config import Sampler
from common.diffusion.samplers import build_scheduler
from common.embedded.first_frame import clip_draws, first_frames
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import View
from common.embedded.moved_start import moved_start
from common.seeding import generators_for
from common.shapes import Clips


@torch.no_grad()
def drawn_clip(
    prior: FramePrior,
    prompt: str,
    views: Sequence[View] | None,
    sampler: Sampler,
    guidance: Guidance,
    seed: int,
    place: int,
) -> Clips:
    """Latents of sample number ``place`` of the seed, with a batch axis of 1.

    Args:
        prior: of clips, or of views.
        prompt: what is shown.
        views: of each frame, or None; guidance moves away from no prompt and no view.
        sampler: how noise becomes clips.
        guidance: how strongly they follow the prompt.
        seed: with ``place``, chooses all that is drawn.
        place: as ``seed``.
    """
    scheduler = build_scheduler(sampler, prior.spec.schedule, prior.spec.prediction)
    draws, first, start, begin = clip_draws(prior, seed, [place]), None, None, 0
    if prior.first_alone:
        pictures = prior.pictures
        said = pictures.embed([prompt], None if views is None else [views[0]])
        first = first_frames(prior, said, pictures.embed([""]), sampler, guidance, draws)
        moved = moved_start(prior, said.vector, first, scheduler, draws.noise, draws.moving)
        start, begin = moved.latents, moved.evaluation
    *_, last = sample(
        prior, scheduler, prior.embed([prompt], [views], first),
        prior.embed([""], first=first, hidden=True), guidance,
        draws.noise if start is None else start, generators_for(seed, [place], "sampler"),
        begin=begin,
    )  # fmt: skip
    return torch.as_tensor(last.latents)
