"""Score distillation as a bridge from bad pictures to good ones.

McAllister et al. 2024, arXiv 2406.09417:

    g = w(t) s (eps_hat(z_t; y good) - eps_hat(z_t; y bad))

Both ends are prompts: what renders look like now ("oversaturated, smooth, pixelated") and what is
wanted. It follows SDS, once there is something to see.
"""

from typing import TypeVar

import torch

from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.scores import Distilled, predicted_noise, weighted
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")


@torch.no_grad()
def bridge_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    noise: Latents,
    good: Cond,
    bad: Cond,
    *,
    scale: float = 30.0,
    weight: Weight = "sigma_squared",
) -> Distilled:
    """The gradient from one prompt to another.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders.
        timesteps: Where each is judged.
        noise: Standard normal, of the latents' shape.
        good: The prompts, said well.
        bad: The prompts with what is wrong with the renders.
        scale: ``s``; 30 to 40 in the paper.
        weight: ``w(t)``.
    """
    schedule = prior.spec.schedule
    noised = schedule.add_noise(latents, noise, timesteps)
    wanted = predicted_noise(prior, noised, timesteps, good)
    unwanted = predicted_noise(prior, noised, timesteps, bad)
    denoised = convert_prediction(wanted, "eps", "x0", noised, timesteps, schedule)
    return Distilled(weighted(scale * (wanted - unwanted), weight, timesteps, schedule), denoised)
