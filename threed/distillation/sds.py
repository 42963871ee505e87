"""Score distillation sampling (Poole et al. 2022, arXiv 2209.14988).

The gradient that a prior's score puts on a rendered latent ``x``, the network's Jacobian left out:

    g = w(t) (eps_hat(alpha x + sigma eps; t, y) - eps)

With ``w = 1`` it is SJC's perturb-and-average gradient times sigma (`threed.distillation.sjc`);
with ``w = sigma / alpha`` it is the gradient of ``|x - x0_hat|^2 / 2``, the distance to what the
prior takes the noised latent for (MVDream, arXiv 2308.16512).
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch

from common.diffusion.guided_prediction import Negative
from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.scores import Distilled, guided, weighted
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")


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
    baseline: float = 1.0,
    negatives: Sequence[Negative[Cond]] = (),
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
        baseline: How much of the noise is taken off; the mean does not depend on it.
        negatives: What Perp-Neg moves away from, across the prompt.
    """
    schedule = prior.spec.schedule
    noised = schedule.add_noise(latents, noise, timesteps)
    seen = guided(prior, noised, timesteps, cond, uncond, guidance, negatives)
    difference = seen.noise - baseline * noise
    return Distilled(weighted(difference, weight, timesteps, schedule), seen.denoised)
