"""Variational score distillation (Wang et al. 2023, arXiv 2305.16213).

    g = w(t) (eps_prior(z_t; y, guided) - eps_particles(z_t; t, camera))

What is subtracted is not the noise but its estimate under the distribution of renders, so that the
particles spread as the prior does instead of all going to its mode. The estimate comes from a
second prior: the first one with a LoRA that is trained on the renders, or a closed form.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch

from common.diffusion.guided_prediction import Negative
from common.diffusion.prior import Prior
from common.errors import InputError
from common.shapes import Latents, Timesteps
from threed.distillation.scores import Distilled, Predictor, guided, predicted_noise, weighted
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")
Camera = TypeVar("Camera")


@torch.no_grad()
def vsd_gradient(
    prior: Prior[Cond],
    particles: Predictor[Camera],
    latents: Latents,
    timesteps: Timesteps,
    noise: Latents,
    cond: Cond,
    uncond: Cond,
    particles_cond: Camera,
    guidance: Any,
    weight: Weight = "sigma_squared",
    negatives: Sequence[Negative[Cond]] = (),
) -> Distilled:
    """The variational gradient of clean latents.

    Args:
        prior: What is distilled.
        particles: What renders are like now, on the same schedule; it is not guided.
        latents: Clean latents, of renders.
        timesteps: Where each is judged.
        noise: Standard normal, of the latents' shape.
        cond: The prompts.
        uncond: What guidance moves away from.
        particles_cond: What ``particles`` is told, such as cameras.
        guidance: A member of ``Guidance``.
        weight: ``w(t)``.
        negatives: What Perp-Neg moves away from, across the prompt.

    Raises:
        InputError: the two have different schedules.
    """
    schedule = prior.spec.schedule
    if particles.spec.schedule != schedule:
        raise InputError(
            f"the score of the renders is on another schedule than the prior: "
            f"{particles.spec.schedule.config!r} and {schedule.config!r}"
        )
    noised = schedule.add_noise(latents, noise, timesteps)
    ours = guided(prior, noised, timesteps, cond, uncond, guidance, negatives)
    theirs = predicted_noise(particles, noised, timesteps, particles_cond)
    return Distilled(weighted(ours.noise - theirs, weight, timesteps, schedule), ours.denoised)
