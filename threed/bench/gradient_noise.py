"""How much a loss's gradient varies with the noise, beside its mean: draws of the same renders."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from common.embedded.image_unet import View
from common.seeding import generator_for
from threed.bench.normal_views import PROMPT
from threed.bench.render_prior import RenderPrior
from threed.distillation.loss_config import SDS, Loss
from threed.distillation.loss_gradient import Draw, loss_gradient
from threed.distillation.past import Past

_TIMES = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)
_NUM_DRAWS = 12


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
    prior: RenderPrior,
    renders: Sequence[Tensor],
    views: Sequence[View],
    past: Past,
    seed: int,
) -> GradientNoise:
    """Measure at six noise levels.

    Args:
        loss: whose gradient.
        prior: what is distilled.
        renders: premultiplied RGBA ``c v h w`` in [-1, 1] of each particle.
        views: from where.
        past: what the loss remembers; it is not taught.
        seed: of the noise, the same for every loss.
    """
    latents = torch.stack(list(renders))
    variance, square = _moments(loss, prior, latents, views, past, seed)
    if not isinstance(loss, SDS) or loss.baseline != "learnt":
        return GradientNoise(variance / square)
    others = [
        _moments(loss.model_copy(update={"baseline": other}), prior, latents, views, past, seed)[0]
        for other in ("noise", "none")
    ]
    return GradientNoise(variance / square, variance / others[0], variance / others[1])


def _moments(
    loss: Loss, prior: RenderPrior, latents: Tensor, views: Sequence[View], past: Past, seed: int
) -> tuple[float, float]:
    """Variance and squared mean, both without bias, summed over elements and levels."""
    count = len(latents)
    conds: dict[str, Any] = {}

    def says(prompt: str) -> Any:
        if prompt not in conds:
            conds[prompt] = prior.embed([prompt] * count, [views if prompt else None] * count)
        return conds[prompt]

    schedule = prior.spec.schedule
    generator = generator_for(seed, 0, "gradient noise")
    variance = square = 0.0
    for time in _TIMES:
        times = schedule.timesteps(torch.tensor([time] * count)).round()
        draw = Draw(latents, times, latents, [generator] * count, latents)
        drawn = []
        for _ in range(_NUM_DRAWS):
            noise = torch.randn(latents.shape, generator=generator)
            found, _ = loss_gradient(loss, prior, PROMPT, says, replace(draw, noise=noise), past)
            drawn.append(rearrange(found.gradient, "b ... -> (b ...)"))
        all_drawn = torch.stack(drawn).double()
        spread = all_drawn.var(0)
        variance += float(spread.sum())
        square += float((all_drawn.mean(0).square() - spread / _NUM_DRAWS).sum())
    return variance, square
