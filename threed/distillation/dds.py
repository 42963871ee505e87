"""Delta denoising score: edits (Hertz et al. 2023, arXiv 2304.07090).

    g = w(t) (eps_hat(alpha x + sigma eps; y) - eps_hat(alpha x_ref + sigma eps; y_ref))

Same noise, same time: what the prior would change in the reference, which is right as it is, is
taken off what it would change in the edit. Exactly 0 while latent and prompt are the reference's.
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
def dds_gradient(
    prior: Prior[Cond],
    latents: Latents,
    reference: Latents,
    timesteps: Timesteps,
    noise: Latents,
    cond: Cond,
    reference_cond: Cond,
    uncond: Cond,
    guidance: Any,
    weight: Weight = "sigma_squared",
    negatives: Sequence[Negative[Cond]] = (),
    reference_negatives: Sequence[Negative[Cond]] = (),
) -> Distilled:
    """The gradient that edits latents as the prompt differs from the reference's.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders of what is edited.
        reference: Clean latents, of the same renders before the edit.
        timesteps: Where both are judged.
        noise: Standard normal, of the latents' shape, for both.
        cond: The prompts of the edit.
        reference_cond: The prompts that describe the reference.
        uncond: What guidance moves away from, in both.
        guidance: A member of ``Guidance``.
        weight: ``w(t)``.
        negatives: What Perp-Neg moves away from, across the prompt.
        reference_negatives: The same of the reference.
    """
    schedule = prior.spec.schedule
    asked = (
        (latents, cond, negatives),
        (reference, reference_cond, reference_negatives),
    )
    ours, theirs = (
        guided(
            prior,
            schedule.add_noise(one, noise, timesteps),
            timesteps,
            said,
            uncond,
            guidance,
            away,
        )
        for one, said, away in asked
    )
    return Distilled(
        weighted(ours.noise - theirs.noise, weight, timesteps, schedule), ours.denoised
    )
