"""Drawing one clip of a spacetime DiT, all steps at once."""

import torch

from common.diffusion.sample import sample
from common.diffusion.samplers import build_scheduler
from common.embedded.drawn_clip import Drawing
from common.seeding import generators_for, randn
from common.shapes import Clips
from video.spacetime_dit.prior import SpacetimeDiTPrior


@torch.no_grad()
def drawn_dit_clip(prior: SpacetimeDiTPrior, prompt: str, drawing: Drawing, place: int) -> Clips:
    """Latents of one clip with a batch axis of 1, the same as a run draws as sample ``place``.

    Args:
        prior: of clips, perhaps of known ones.
        prompt: what is shown.
        drawing: how; guidance moves away from no prompt.
        place: which of the seed's clips.
    """
    spec = prior.spec
    scheduler = build_scheduler(drawing.sampler, spec.schedule, spec.prediction)
    generators = generators_for(drawing.seed, [place], "latents")
    noise = randn(spec.latent_shape, generators, device=prior.device)
    *_, last = sample(
        prior, scheduler, prior.embed([prompt]), prior.embed([""]), drawing.guidance, noise,
        generators_for(drawing.seed, [place], "sampler"),
    )  # fmt: skip
    return torch.as_tensor(last.latents)
