"""Latents descended by a loss's own code under normal priors, and what becomes of them."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.seeding import generator_for
from threed.bench.config import ViewLaws
from threed.bench.laws import Law, law_of
from threed.bench.normal_views import PROMPT, NormalViews, pattern, world_of
from threed.distillation.loss_config import Loss
from threed.distillation.loss_gradient import Draw, loss_gradient
from threed.distillation.past import Past, past_of

_NOISE_EVERY = 10
"""Steps from one measurement of the noise to the next."""


@dataclass(frozen=True)
class Descended:
    """What was measured, beside what was predicted."""

    law: Law
    saturation: float
    spread: float
    noise: float


def descended(loss: Loss, laws: ViewLaws, seed: int) -> Descended | None:
    """Descend until all is still, then measure; None where the loss has no fixed point.

    Args:
        loss: whose gradient is followed.
        laws: the priors, how many latents, and for how long.
        seed: of starts, times and noise.
    """
    prior = _prior(laws)
    schedule = prior.spec.schedule
    law = law_of(loss, prior.world, schedule, laws.contraction)
    if law is None:
        return None
    generator = generator_for(seed, 0, "laws")
    shape = (laws.num_chains, *prior.spec.latent_shape)
    latents = laws.spread * _normal(shape, generator)
    past = past_of(loss, prior, seed)
    settling = math.ceil(10 / laws.contraction)
    totals = torch.zeros(2, dtype=torch.float64)
    noises = []
    for step in range(settling + laws.num_steps):
        times = torch.randint(
            prior.world.first, prior.world.last + 1, (laws.num_chains,), generator=generator
        ).double()
        gradient, past = _gradient(loss, laws, prior, latents, times, generator, past)
        if step >= settling:
            totals += torch.stack([_along(latents), latents.var(0).mean()])
            if step % _NOISE_EVERY == 0:
                own = generator_for(seed, step, "laws/noise")
                noises.append(_noise(loss, laws, prior, latents, own, past))
        latents = latents - law.rate * gradient
    saturation, variance = (totals / laws.num_steps).tolist()
    return Descended(law, saturation, math.sqrt(variance), float(torch.stack(noises).mean()))


def _prior(laws: ViewLaws) -> NormalViews:
    last = NormalViews(world_of(laws, 0.0)).spec.schedule.max_timestep
    return NormalViews(world_of(laws, last))


def _noise(
    loss: Loss,
    laws: ViewLaws,
    prior: NormalViews,
    latents: Tensor,
    generator: torch.Generator,
    past: Past,
) -> Tensor:
    """Variance of the gradient by its noise: half the square between two at the same times."""
    times = spread_times(len(latents), prior.world.first, prior.world.last, generator)
    one, other = (
        _gradient(loss, laws, prior, latents, times, generator, past)[0] for _ in range(2)
    )
    return (one - other).square().mean() / 2


def spread_times(
    count: int, first: int, last: int, generator: torch.Generator
) -> Float[Tensor, " b"]:
    """Whole timesteps from ``first`` to ``last``, one from each of ``count`` equal parts.

    Each is as likely anywhere as if it were drawn by itself, but together they cover the range, so
    that a mean over them varies little by what the times happened to be.
    """
    parts = torch.randperm(count, generator=generator)
    place = (parts + torch.rand(count, generator=generator, dtype=torch.float64)) / count
    return (first + (place * (last - first + 1)).floor()).clamp(max=last)


def _along(latents: Tensor) -> Tensor:
    """The mean latent in units of the prompt's mean."""
    mean = pattern().expand(latents.shape[1:])
    return (latents.mean(0) * mean).sum() / mean.square().sum()


def _normal(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def _gradient(
    loss: Loss,
    laws: ViewLaws,
    prior: NormalViews,
    latents: Tensor,
    times: Tensor,
    generator: torch.Generator,
    past: Past,
) -> tuple[Tensor, Past]:
    """Of every latent, with the fault that is asked for."""
    count = len(latents)
    noise = _normal(tuple(latents.shape), generator)
    draw = Draw(latents, times, noise, [generator] * count, latents)

    def says(prompt: str) -> Any:
        if laws.fault == "swapped":
            prompt = {PROMPT: "", "": PROMPT}.get(prompt, prompt)
        return prior.embed([prompt] * count)

    found, past = loss_gradient(loss, prior, PROMPT, says, draw, past)
    gradient = found.gradient if found.pictures is None else found.gradient + found.pictures
    return (-gradient if laws.fault == "sign" else gradient), past
