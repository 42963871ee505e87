"""Score Jacobian chaining: perturb and average (Wang et al. 2022, arXiv 2212.00774).

In the variance-exploding form ``z = x + s n`` with ``s = sigma / alpha`` and the denoiser ``D``,

    g = -(D(x + s n; s) - x) / s          with variance reduction (their Eq. 16 times s)
    g = -(D(x + s n; s) - (x + s n)) / s  without (their Eq. 15 times s)

The first is SDS with ``w = 1``, the second SDS without subtracting the noise: the same on average.
"Variance reduction" reduces variance only where ``sigma`` is above ``alpha`` times the spread of
what the prior knows (`threed.distillation.control_variate` has the coefficient that always does).
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
def sjc_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    noise: Latents,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    *,
    variance_reduction: bool = True,
    negatives: Sequence[Negative[Cond]] = (),
) -> Distilled:
    """The perturb-and-average gradient of clean latents, for one perturbation of each.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders.
        timesteps: The noise level of each; SJC draws 10 to 969 of 1000 alike, without annealing.
        noise: Standard normal, of the latents' shape.
        cond: The prompts.
        uncond: What guidance moves away from.
        guidance: A member of ``Guidance``.
        variance_reduction: Whether the clean latent, or the perturbed one, is subtracted.
        negatives: What Perp-Neg moves away from, across the prompt.
    """
    alpha, sigma = prior.spec.schedule.alpha_sigma(timesteps)
    spread = per_sample(sigma / alpha, latents)
    perturbed = latents + spread * noise
    noised = per_sample(alpha, latents) * perturbed
    seen = guided(prior, noised, timesteps, cond, uncond, guidance, negatives)
    denoised = seen.denoised
    origin = latents if variance_reduction else perturbed
    return Distilled(-(denoised - origin) / spread, denoised)
