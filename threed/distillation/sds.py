"""Score distillation sampling (Poole et al. 2022, arXiv 2209.14988).

The gradient that a prior's score puts on a rendered latent ``x``, the network's Jacobian left out:

    g = w(t) (eps_hat(alpha x + sigma eps; t, y) - eps)

With ``w = 1`` it is SJC's perturb-and-average gradient times sigma (Wang et al. 2022, arXiv
2212.00774); with ``w = sigma / alpha`` it is the gradient of ``|x - x0_hat|^2 / 2``, the distance
to what the prior takes the noised latent for.
"""

from dataclasses import dataclass
from typing import Any, TypeVar, assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guided_prediction import guided_prediction
from common.diffusion.noise_schedule import NoiseSchedule, per_sample
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")


@dataclass(frozen=True)
class Distilled:
    """What a prior says of a latent."""

    gradient: Tensor
    """Of the latent's shape; a descent step along it makes the latent likelier."""
    denoised: Tensor
    """The clean latent that the guided prediction implies."""


@torch.no_grad()
def sds_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    noise: Latents,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    weight: Weight = "sigma_squared",
) -> Distilled:
    """The score distillation gradient of clean latents.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders.
        timesteps: Where each is judged.
        noise: Standard normal, of the latents' shape.
        cond: The prompts.
        uncond: What guidance moves away from.
        guidance: A member of ``Guidance``: ``uncond + s (cond - uncond)``.
        weight: ``w(t)``.
    """
    schedule, kind = prior.spec.schedule, prior.spec.prediction
    noised = schedule.add_noise(latents, noise, timesteps)
    guided = guided_prediction(prior, noised, timesteps, cond, uncond, guidance).prediction
    here = (noised, timesteps, schedule)
    denoised = convert_prediction(guided, kind, "x0", *here)
    predicted_noise = convert_prediction(guided, kind, "eps", *here)
    scale = per_sample(weights(weight, timesteps, schedule), latents)
    return Distilled(scale * (predicted_noise - noise), denoised)


def weights(weight: Weight, timesteps: Timesteps, schedule: NoiseSchedule) -> Float[Tensor, " b"]:
    """``w(t)`` of each sample."""
    alpha, sigma = schedule.alpha_sigma(timesteps)
    match weight:
        case "sigma_squared":
            return sigma**2
        case "uniform":
            return torch.ones_like(sigma)
        case "reconstruction":
            return sigma / alpha
        case _:
            assert_never(weight)
