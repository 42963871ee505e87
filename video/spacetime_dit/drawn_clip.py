"""Drawing one clip of a spacetime DiT, all steps at once."""

import torch

from common.diffusion.given import Beginning
from common.diffusion.sample import sample
from common.diffusion.samplers import build_scheduler
from common.embedded.drawn_clip import Drawing
from common.embedded.first_frame import clip_draws
from common.embedded.led_start import Said, led_start
from common.embedded.temporal_filter import decoded_clips
from common.seeding import generators_for
from common.shapes import Clips
from video.spacetime_dit.prior import SpacetimeDiTPrior


@torch.no_grad()
def drawn_dit_clip(prior: SpacetimeDiTPrior, prompt: str, drawing: Drawing, place: int) -> Clips:
    """One clip in [-1, 1] with a batch axis of 1, the same as a run draws as sample ``place``.

    Args:
        prior: of clips, perhaps of known ones; the known do not begin with a moved first frame.
        prompt: what is shown.
        drawing: how; guidance moves away from no prompt.
        place: which of the seed's clips.
    """
    spec = prior.spec
    scheduler = build_scheduler(drawing.sampler, spec.schedule, spec.prediction)
    cond, empty = prior.embed([prompt]), prior.embed([""])
    draws = clip_draws(prior, drawing.seed, [place])
    begin, lead = Beginning(draws.noise, 0, None), None
    if prior.known is None:
        said = Said(cond, empty, prior.told_by([prompt]))
        begin, lead = led_start(prior, said, scheduler, drawing.guidance, draws)
    *_, last = sample(
        prior, scheduler, cond, empty, drawing.guidance, begin.latents,
        generators_for(drawing.seed, [place], "sampler"), begin=begin.evaluation,
    )  # fmt: skip
    return decoded_clips(prior, torch.as_tensor(last.latents), lead).clamp(-1, 1)
