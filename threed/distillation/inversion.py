"""DDIM inversion: the noise from which a prior would draw a given clean latent.

Song et al. 2020 (arXiv 2010.02502) run backwards. From time ``a`` to a noisier ``b``:

    x0 = (z_a - sigma_a eps_hat(z_a)) / alpha_a,   z_b = alpha_b x0 + sigma_b eps_hat(z_a)

The clean latent is taken to be at time 0.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import torch

from common.diffusion.noise_schedule import per_sample
from common.diffusion.prior import Prior
from common.errors import InputError
from common.shapes import Latents, Timesteps
from threed.distillation.scores import guided

Cond = TypeVar("Cond")


def inversion_times(until: Timesteps, stride: float) -> list[Timesteps]:
    """Times from 0 to ``until`` in strides; a sample that has arrived waits for the others.

    Raises:
        InputError: a stride that leads nowhere.
    """
    if not stride > 0:
        raise InputError(f"stride of an inversion is {stride:g}; it must be above 0")
    count = max(math.ceil(float(until.max()) / stride), 1)
    return [torch.minimum(torch.full_like(until, stride * k), until) for k in range(count + 1)]


@torch.no_grad()
def inverted(
    prior: Prior[Cond],
    latents: Latents,
    times: Sequence[Timesteps],
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    *,
    eta: float = 0.0,
    generators: Sequence[torch.Generator] = (),
) -> Latents:
    """The noised latents at the last of ``times``.

    Args:
        prior: What is inverted.
        latents: At the first of ``times``; clean ones at 0.
        times: Never falling, one timestep for each sample at each.
        cond: The prompts.
        uncond: What guidance moves away from.
        guidance: A member of ``Guidance``; 1 without guidance.
        eta: Share of fresh noise in each step, ``sigma_b (sqrt(1 - eta^2) eps_hat + eta n)``.
        generators: One a sample, for the fresh noise.

    Raises:
        InputError: times that fall, or fresh noise without generators.
    """
    if eta and len(generators) != len(latents):
        raise InputError(f"eta {eta:g} needs a generator for each of {len(latents)} samples")
    schedule = prior.spec.schedule
    here = latents
    for start, end in pairwise(times):
        if bool((end < start).any()):
            raise InputError(f"an inversion goes to more noise, not from {start} to {end}")
        seen = guided(prior, here, start, cond, uncond, guidance)
        noise = seen.noise
        if eta:
            shape = latents.shape[1:]
            fresh = torch.stack([torch.randn(shape, generator=g, dtype=here.dtype)
                                 for g in generators])  # fmt: skip
            noise = math.sqrt(1 - eta**2) * noise + eta * fresh.to(here)
        alpha, sigma = schedule.alpha_sigma(end)
        there = per_sample(alpha, here) * seen.denoised + per_sample(sigma, here) * noise
        waits = per_sample((end == start).to(here), here)
        here = waits * here + (1 - waits) * there
    return here
