"""HiFA's loss in pictures (Zhu and Zhuang 2023, arXiv 2305.18766).

    g = w (alpha / sigma) (picture - decode(x0_hat))

Beside a latent gradient: what the prior takes the noised latent for, decoded, is a target for the
render itself, so that errors of the encoder do not reach the scene.
"""

from typing import TypeVar

import torch

from common.diffusion.noise_schedule import per_sample
from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.scores import Distilled, weights
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")


@torch.no_grad()
def picture_gradient(
    prior: Prior[Cond],
    pictures: Latents,
    distilled: Distilled,
    timesteps: Timesteps,
    weight: Weight = "sigma_squared",
) -> Latents:
    """The gradient of rendered pictures.

    Args:
        prior: Whose decoder is used.
        pictures: Renders in [-1, 1].
        distilled: Of their latents.
        timesteps: Where those were judged.
        weight: ``w(t)``.
    """
    alpha, sigma = prior.spec.schedule.alpha_sigma(timesteps)
    scale = weights(weight, timesteps, prior.spec.schedule) * alpha / sigma
    return per_sample(scale, pictures) * (pictures - prior.decode(distilled.denoised))
