"""The baseline of score distillation that varies least, learnt while one descends.

    g = w(t) (eps_hat - c_t eps)

Any ``c_t`` that does not depend on this step's noise leaves the mean of the gradient as it is,
since the noise has mean 0. SDS takes ``c = 1``, SJC without variance reduction ``c = 0``; the least
variance has the regression coefficient

    c_t = E[<eps_hat, eps>] / E[<eps, eps>],

which for a Gaussian prior of spread ``s`` is ``sigma^2 / (alpha^2 s^2 + sigma^2)`` and leaves no
variance at all. It is estimated for each noise level from past steps only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guided_prediction import Negative
from common.diffusion.noise_schedule import NoiseSchedule, per_sample
from common.diffusion.prior import Prior
from common.errors import InputError
from common.shapes import Latents, Timesteps
from threed.distillation.scores import Distilled, guided, weighted
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")

NUM_LEVELS = 32
"""Equal parts of diffusion time, each with a coefficient."""


@dataclass(frozen=True)
class ControlVariate:
    """What past steps say of the coefficient at each level of noise."""

    products: Float[Tensor, " levels"]
    """Sums of ``<eps_hat, eps>``, fading."""
    squares: Float[Tensor, " levels"]
    """Sums of ``<eps, eps>``, fading."""


def no_past(num_levels: int = NUM_LEVELS) -> ControlVariate:
    """The state before the first step: every coefficient is 1, as in SDS."""
    return ControlVariate(
        torch.zeros(num_levels, dtype=torch.float64), torch.zeros(num_levels, dtype=torch.float64)
    )


def coefficients(
    past: ControlVariate, timesteps: Timesteps, schedule: NoiseSchedule
) -> Float[Tensor, " b"]:
    """``c_t`` of each sample; 1 where the past has nothing."""
    levels = _levels(past, timesteps, schedule)
    products, squares = past.products[levels], past.squares[levels]
    seen = squares > 0
    return torch.where(seen, products / torch.where(seen, squares, 1.0), 1.0)


def learnt(
    past: ControlVariate,
    predicted: Latents,
    noise: Latents,
    timesteps: Timesteps,
    schedule: NoiseSchedule,
    fade: float = 0.99,
) -> ControlVariate:
    """The state with one more step, to be used from the next one on.

    Args:
        past: The state that this step's coefficients came from.
        predicted: ``eps_hat`` of each sample.
        noise: ``eps``.
        timesteps: Of each sample.
        schedule: The prior's.
        fade: What is left of a level's sums with every sample that is added to it, because the
            scene changes.

    Raises:
        InputError: a fade outside (0, 1].
    """
    if not 0 < fade <= 1:
        raise InputError(f"fade is {fade:g}; it must be above 0 and at most 1")
    products, squares = past.products.clone(), past.squares.clone()
    levels = _levels(past, timesteps, schedule)
    ours, theirs = predicted.detach().double(), noise.detach().double()
    for index, level in enumerate(levels.tolist()):
        products[level] = fade * products[level] + (ours[index] * theirs[index]).sum().cpu()
        squares[level] = fade * squares[level] + theirs[index].square().sum().cpu()
    return ControlVariate(products, squares)


@torch.no_grad()
def learnt_gradient(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    noise: Latents,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    past: ControlVariate,
    weight: Weight = "sigma_squared",
    negatives: Sequence[Negative[Cond]] = (),
) -> tuple[Distilled, ControlVariate]:
    """The gradient of clean latents with the baseline that past steps taught, and the new past.

    Args:
        prior: What is distilled.
        latents: Clean latents, of renders.
        timesteps: Where each is judged.
        noise: Standard normal, of the latents' shape.
        cond: The prompts.
        uncond: What guidance moves away from.
        guidance: A member of ``Guidance``.
        past: What earlier steps say; `no_past` at the first.
        weight: ``w(t)``.
        negatives: What Perp-Neg moves away from, across the prompt.
    """
    schedule = prior.spec.schedule
    noised = schedule.add_noise(latents, noise, timesteps)
    seen = guided(prior, noised, timesteps, cond, uncond, guidance, negatives)
    share = per_sample(coefficients(past, timesteps, schedule).to(noise), noise)
    found = weighted(seen.noise - share * noise, weight, timesteps, schedule)
    after = learnt(past, seen.noise, noise, timesteps, schedule)
    return Distilled(found, seen.denoised), after


def _levels(past: ControlVariate, timesteps: Timesteps, schedule: NoiseSchedule) -> Tensor:
    count = len(past.products)
    return (schedule.fraction(timesteps.cpu()) * count).long().clamp(max=count - 1)
