"""Score distillation via inversion (Lukoianov et al. 2024, arXiv 2405.15891).

SDS with the noise that belongs to the render in place of a random one:

    g = w(t) (eps_hat(z_t; y, s) - eps_inv),   z_t = alpha x + sigma eps_inv

``z_t`` comes from a DDIM inversion of ``x`` under negative guidance (-7.5 in the paper), which
leads back along the path that sampling with positive guidance takes.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.guided_prediction import Negative
from common.diffusion.noise_schedule import per_sample
from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.inversion import inverted
from threed.distillation.scores import Distilled
from threed.distillation.sds import sds_gradient
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")


@torch.no_grad()
def sdi_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    *,
    inversion_scale: float = -7.5,
    num_inversion_steps: int = 10,
    eta: float = 0.3,
    generators: Sequence[torch.Generator] = (),
    weight: Weight = "reconstruction",
    negatives: Sequence[Negative[Cond]] = (),
) -> Distilled:
    """The gradient of clean latents with the noise that an inversion finds for them.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders.
        timesteps: Where each is judged.
        cond: The prompts.
        uncond: What guidance moves away from.
        guidance: A member of ``Guidance``, of the prediction.
        inversion_scale: ``s`` of ``uncond + s (cond - uncond)`` in the inversion.
        num_inversion_steps: Steps from the clean latent to each one's timestep.
        eta: Share of fresh noise in each of them.
        generators: One a sample, for that.
        weight: ``w(t)``.
        negatives: What Perp-Neg moves away from, across the prompt.
    """
    times = [timesteps * (step / num_inversion_steps) for step in range(num_inversion_steps + 1)]
    said, other, scale = cond, uncond, inversion_scale
    if scale < 0:  # the same prediction, seen from the other end
        said, other, scale = uncond, cond, 1 - inversion_scale
    noised = inverted(
        prior, latents, times, said, other, CFG(guidance_scale=scale), eta=eta,
        generators=generators,
    )  # fmt: skip
    alpha, sigma = prior.spec.schedule.alpha_sigma(timesteps)
    noise = (noised - per_sample(alpha, latents) * latents) / per_sample(sigma, latents)
    return sds_gradient(
        prior, latents, timesteps, noise, cond, uncond, guidance, weight, negatives=negatives
    )
