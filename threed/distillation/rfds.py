"""Rectified flow distillation sampling (Yang et al. 2024, arXiv 2406.03293).

    g = w(u) (v_hat(z_u; u, y) - (eps - x)),   z_u = (1 - u) x + u eps,   w = sigmoid(u)

For a prior that is no flow, ``z_t / (alpha + sigma)`` is the flow's latent at
``u = sigma / (alpha + sigma)`` and ``v_hat = eps_hat - x0_hat`` there: exact, not an approximation.
So the difference is ``(1 + sigma / alpha)`` times that of SDS.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch

from common.diffusion.guided_prediction import Negative
from common.diffusion.noise_schedule import per_sample
from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.scores import Distilled, guided

Cond = TypeVar("Cond")


@torch.no_grad()
def rfds_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    noise: Latents,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    negatives: Sequence[Negative[Cond]] = (),
) -> Distilled:
    """The rectified flow's gradient of clean latents.

    Args:
        prior: What is distilled; a flow, or a variance-preserving prior by conversion.
        latents: Clean latents, of renders.
        timesteps: Where each is judged, in the prior's own timesteps.
        noise: Standard normal, of the latents' shape.
        cond: The prompts.
        uncond: What guidance moves away from.
        guidance: A member of ``Guidance``.
        negatives: What Perp-Neg moves away from, across the prompt.
    """
    schedule = prior.spec.schedule
    noised = schedule.add_noise(latents, noise, timesteps)
    seen = guided(prior, noised, timesteps, cond, uncond, guidance, negatives)
    alpha, sigma = schedule.alpha_sigma(timesteps)
    weight = per_sample(torch.sigmoid(sigma / (alpha + sigma)), latents)
    velocity = seen.noise - seen.denoised
    return Distilled(weight * (velocity - (noise - latents)), seen.denoised)
