"""Interval score matching (Liang et al. 2023, arXiv 2311.11284).

    g = w(t) (eps_hat(z_t; y, guided) - eps_hat(z_s; no prompt)),   s = t - delta

``z_s`` is the render's own DDIM inversion without a prompt, ``z_t`` one step further on: no noise
is drawn, so the gradient of a render is always the same. The published weight is ``sigma / alpha``.
Its lengths are far below those of SDS (5 to 170 times on a Gaussian): rates do not carry over.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.guided_prediction import Negative
from common.diffusion.prior import Prior
from common.errors import InputError
from common.shapes import Latents, Timesteps
from threed.distillation.inversion import inversion_times, inverted
from threed.distillation.scores import Distilled, guided, predicted_noise, weighted
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")
_UNGUIDED = CFG(guidance_scale=1.0)


@torch.no_grad()
def ism_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    *,
    interval: float = 80.0,
    stride: float = 200.0,
    weight: Weight = "reconstruction",
    negatives: Sequence[Negative[Cond]] = (),
) -> Distilled:
    """The interval score's gradient of clean latents.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders.
        timesteps: ``t`` of each.
        cond: The prompts.
        uncond: The empty prompts, also those of the inversion.
        guidance: A member of ``Guidance``.
        interval: ``delta`` in timesteps.
        stride: Timesteps of one step of the inversion.
        weight: ``w(t)``.
        negatives: What Perp-Neg moves away from, across the prompt.

    Raises:
        InputError: an interval that begins before time 0.
    """
    if not 0 < interval <= float(timesteps.min()):
        raise InputError(
            f"interval {interval:g} does not fit before timestep {float(timesteps.min()):g}; "
            "choose a shorter one or later timesteps"
        )
    before = timesteps - interval
    times = inversion_times(before, stride)
    earlier = inverted(prior, latents, times, uncond, uncond, _UNGUIDED)
    noised = inverted(prior, earlier, [before, timesteps], uncond, uncond, _UNGUIDED)
    own = predicted_noise(prior, earlier, before, uncond)
    seen = guided(prior, noised, timesteps, cond, uncond, guidance, negatives)
    schedule = prior.spec.schedule
    return Distilled(weighted(seen.noise - own, weight, timesteps, schedule), seen.denoised)
