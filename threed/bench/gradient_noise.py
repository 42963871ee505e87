"""How much a loss's gradient varies with the noise, beside its mean: draws of the same renders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from common.diffusion.prior import embedded_negative
from common.embedded.image_unet import View
from common.seeding import generator_for
from threed.bench.normal_views import PROMPT
from threed.distillation.loss_config import SDS, Loss
from threed.distillation.loss_gradient import Draw, loss_gradient
from threed.distillation.past import Past
from threed.distillation.view_prior import ViewPrior


@dataclass(frozen=True)
class Draws:
    """What the noise is drawn for."""

    prompt: str = PROMPT
    """What the renders should be."""
    times: tuple[float, ...] = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
    """Diffusion times."""
    per_time: int = 12
    """Draws at each, two or more."""


@dataclass(frozen=True)
class GradientNoise:
    """Variances, summed over the elements and over noise levels."""

    over_mean: float
    """Of the gradient, over its squared mean."""
    over_noise_baseline: float | None = None
    """Of SDS with a learnt baseline, over that with the noise as its baseline."""
    over_no_baseline: float | None = None
    """The same over that without a baseline."""


def gradient_noise(
    loss: Loss,
    prior: ViewPrior,
    renders: Sequence[Tensor],
    views: Sequence[View],
    past: Past,
    seed: int,
    draws: Draws | None = None,
) -> GradientNoise:
    """Measure at several noise levels.

    Args:
        loss: whose gradient.
        prior: what is distilled.
        renders: premultiplied RGBA ``c v h w`` in [-1, 1] of each particle.
        views: from where.
        past: what the loss remembers; it is not taught, but for a LoRA, which goes on learning.
        seed: of the noise, the same for every loss.
        draws: None: those of the bench.
    """
    pictures, draws = torch.stack(list(renders)), draws or Draws()
    with torch.no_grad():
        latents = prior.encode(pictures)
    first = Draw(latents, latents.new_zeros(len(latents)), latents, [], pictures)
    variance, square = _moments(loss, prior, first, views, past, seed, draws)
    if not isinstance(loss, SDS) or loss.baseline != "learnt":
        return GradientNoise(variance / square)
    others = [
        _moments(
            loss.model_copy(update={"baseline": other}), prior, first, views, past, seed, draws
        )[0]
        for other in ("noise", "none")
    ]
    return GradientNoise(variance / square, variance / others[0], variance / others[1])


def _moments(
    loss: Loss,
    prior: ViewPrior,
    first: Draw,
    views: Sequence[View],
    past: Past,
    seed: int,
    draws: Draws,
) -> tuple[float, float]:
    """Variance and squared mean, both without bias, summed over elements and levels."""
    count = len(first.latents)
    conds: dict[str, Any] = {}

    def says(prompt: str) -> Any:
        if prompt not in conds:
            conds[prompt] = (
                prior.embed([prompt] * count, [views] * count)
                if prompt
                else embedded_negative(prior, [""] * count)
            )
        return conds[prompt]

    schedule = prior.spec.schedule
    generator = generator_for(seed, 0, "gradient noise")
    variance = square = 0.0
    for time in draws.times:
        times = schedule.timesteps(torch.tensor([time] * count)).round()
        draw = replace(first, timesteps=times, generators=[generator] * count)
        drawn = []
        for _ in range(draws.per_time):
            noise = torch.randn(first.latents.shape, generator=generator)
            now = replace(draw, noise=noise)
            found, _ = loss_gradient(loss, prior, draws.prompt, says, now, past)
            drawn.append(rearrange(found.gradient, "b ... -> (b ...)"))
        all_drawn = torch.stack(drawn).double()
        spread = all_drawn.var(0)
        variance += float(spread.sum())
        square += float((all_drawn.mean(0).square() - spread / draws.per_time).sum())
    return variance, square
