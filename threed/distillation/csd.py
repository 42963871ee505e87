"""Classifier score distillation (Yu et al. 2023, arXiv 2310.19415).

The guidance term alone, without the generative one:

    g = w(t) (s (eps_y - eps_0) + n (eps_0 - eps_neg))

``eps_y``, ``eps_0`` and ``eps_neg`` are the noises predicted with the prompt, without one, and with
a negative prompt. It is the limit of SDS for large scales: where prompt and no prompt have the same
spread there is no fixed point, and latents drift for as long as one descends.
"""

from typing import TypeVar

import torch

from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import Prior
from common.errors import InputError
from common.shapes import Latents, Timesteps
from threed.distillation.scores import Distilled, predicted_noise, weighted
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")


@torch.no_grad()
def csd_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    noise: Latents,
    cond: Cond,
    uncond: Cond,
    negative: Cond | None = None,
    *,
    scale: float = 1.0,
    negative_scale: float = 0.0,
    weight: Weight = "sigma_squared",
) -> Distilled:
    """The classifier score's gradient of clean latents.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders.
        timesteps: Where each is judged.
        noise: Standard normal, of the latents' shape.
        cond: The prompts.
        uncond: The empty prompts.
        negative: What to move away from; needed where ``negative_scale`` is not 0.
        scale: ``s``.
        negative_scale: ``n``.
        weight: ``w(t)``.

    Raises:
        InputError: a scale without a negative prompt.
    """
    if negative_scale and negative is None:
        raise InputError(f"negative_scale {negative_scale:g} needs a negative prompt")
    schedule = prior.spec.schedule
    noised = schedule.add_noise(latents, noise, timesteps)
    with_prompt = predicted_noise(prior, noised, timesteps, cond)
    without = predicted_noise(prior, noised, timesteps, uncond)
    difference = scale * (with_prompt - without)
    if negative_scale and negative is not None:
        away = predicted_noise(prior, noised, timesteps, negative)
        difference = difference + negative_scale * (without - away)
    denoised = convert_prediction(with_prompt, "eps", "x0", noised, timesteps, schedule)
    return Distilled(weighted(difference, weight, timesteps, schedule), denoised)
