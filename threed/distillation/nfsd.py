"""Noise-free score distillation (Katzir et al. 2023, arXiv 2310.17590).

    g = w(t) (s (eps_y - eps_0) + d),   d = eps_0             below a fifth of the time
                                        d = eps_0 - eps_neg   above

At little noise the unconditional prediction is the correction towards the prior's domain alone; at
much noise it also holds the noise, which a prompt for bad pictures holds as well and takes away. No
noise is subtracted, so ordinary guidance scales suffice.
"""

from typing import TypeVar

import torch

from common.diffusion.noise_schedule import per_sample
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.scores import Distilled, predicted_noise, weighted
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")
LITTLE_NOISE = 0.2
"""Diffusion time below which the unconditional prediction holds hardly any noise."""


@torch.no_grad()
def nfsd_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    noise: Latents,
    cond: Cond,
    uncond: Cond,
    negative: Cond,
    *,
    scale: float = 7.5,
    weight: Weight = "sigma_squared",
) -> Distilled:
    """The noise-free gradient of clean latents.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders.
        timesteps: Where each is judged.
        noise: Standard normal, of the latents' shape; it noises the latents and is not subtracted.
        cond: The prompts.
        uncond: The empty prompts.
        negative: A prompt for bad pictures.
        scale: ``s``.
        weight: ``w(t)``.
    """
    schedule = prior.spec.schedule
    noised = schedule.add_noise(latents, noise, timesteps)
    with_prompt = predicted_noise(prior, noised, timesteps, cond)
    without = predicted_noise(prior, noised, timesteps, uncond)
    bad = predicted_noise(prior, noised, timesteps, negative)
    noisy = per_sample((schedule.fraction(timesteps) >= LITTLE_NOISE).to(latents), latents)
    difference = scale * (with_prompt - without) + without - noisy * bad
    denoised = convert_prediction(with_prompt, "eps", "x0", noised, timesteps, schedule)
    return Distilled(weighted(difference, weight, timesteps, schedule), denoised)
