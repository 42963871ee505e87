"""Pictures for many prompts, each with its own seed."""

from collections.abc import Iterator, Sequence

import torch

from common.diffusion.guidance_config import Guidance
from common.diffusion.sample import sample
from common.diffusion.sampler_config import Sampler
from common.diffusion.samplers import build_scheduler
from common.embedded.prior import EmbeddedPrior
from common.evaluation.prompt_sets import Request
from common.seeding import generators_for, randn
from common.shapes import Images


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
    for start in range(0, len(requests), batch_size):
        some = requests[start : start + batch_size]
        places = range(start, start + len(some))
        scheduler = build_scheduler(sampler, prior.spec.schedule, prior.spec.prediction)
        noise = randn(
            prior.spec.latent_shape, generators_for(seed, places, "latents"), device=prior.device
        )
        cond = prior.embed([one.prompt for one in some], [one.view for one in some])
        uncond = prior.embed([""] * len(some))
        steps = sample(
            prior, scheduler, cond, uncond, guidance, noise,
            generators_for(seed, places, "sampler"),
        )  # fmt: skip
        *_, last = steps
        yield prior.decode(last.latents).clamp(-1, 1)
