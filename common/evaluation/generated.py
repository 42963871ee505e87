"""Pictures and clips for many prompts, each with its own seed."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from common.diffusion.guidance_config import Guidance
from common.diffusion.sample import sample
from common.diffusion.sampler_config import Sampler
from common.diffusion.samplers import build_scheduler
from common.embedded.drawn_clip import Drawing, drawn_clip
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import FRONT
from common.embedded.prior import EmbeddedPrior
from common.evaluation.prompt_sets import Request
from common.seeding import generators_for, randn
from common.shapes import Clips, Images


@torch.no_grad()
def generate(
    prior: EmbeddedPrior,
    sampler: Sampler,
    guidance: Guidance,
    requests: Sequence[Request],
    seed: int,
    batch_size: int,
) -> Iterator[Images]:
    """Premultiplied RGBA pictures in [-1, 1], a batch at a time.

    Request ``i`` is drawn from noise ``i`` of the seed, and is the same for any batch size (to
    1e-4). Guidance moves away from no prompt and no view.
    """
    for places in _batches(len(requests), batch_size):
        some = [requests[place] for place in places]
        cond = prior.embed([one.prompt for one in some], [one.view for one in some])
        uncond = prior.embed([""] * len(some))
        shape, generators = prior.spec.latent_shape, generators_for(seed, places, "latents")
        noise = randn(shape, generators, device=prior.device)
        yield _drawn(prior, cond, uncond, sampler, guidance, seed, places, noise)


@torch.no_grad()
def generate_clips(prior: FramePrior, prompts: Sequence[str], drawing: Drawing) -> Iterator[Clips]:
    """Premultiplied RGBA clips in [-1, 1] seen from the front, one after the other, as `generate`.

    One at a time, as the noise that clips begin with follows from their prompts.
    """
    fronts = [FRONT] * prior.num_frames
    for place, prompt in enumerate(prompts):
        yield drawn_clip(prior, prompt, fronts, drawing, place)


def _batches(count: int, batch_size: int) -> list[range]:
    return [range(at, min(at + batch_size, count)) for at in range(0, count, batch_size)]


def _drawn(
    prior: Any,
    cond: Any,
    uncond: Any,
    sampler: Sampler,
    guidance: Guidance,
    seed: int,
    places: range,
    noise: Tensor,
) -> Tensor:
    """Samples number ``places`` of the seed, decoded."""
    scheduler = build_scheduler(sampler, prior.spec.schedule, prior.spec.prediction)
    steps = sample(
        prior, scheduler, cond, uncond, guidance, noise, generators_for(seed, places, "sampler")
    )
    *_, last = steps
    return torch.as_tensor(prior.decode(last.latents).clamp(-1, 1))
