"""What a prior says of renders, as a loss: views, noise and time of a step."""

from collections.abc import Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.prior import embedded_negative
from common.embedded.image_unet import View
from threed.distillation.loss_config import Loss
from threed.distillation.loss_gradient import Draw, loss_gradient
from threed.distillation.past import Past
from threed.distillation.view_prior import ViewPrior
from threed.rendering.rendered import Rendered


def views_round(
    count: int, elevations_deg: tuple[float, float], generator: torch.Generator
) -> tuple[View, ...]:
    """Views evenly spaced in azimuth at a random turn, each at a random height."""
    turn, *heights = torch.rand(count + 1, generator=generator, dtype=torch.float64).tolist()
    low, high = elevations_deg
    return tuple(
        View(((index + turn) * 360 / count) % 360, low + height * (high - low))
        for index, height in enumerate(heights)
    )


def prior_pull(
    prior: ViewPrior,
    loss: Loss,
    prompt: str,
    views: Sequence[View],
    particles: Sequence[Rendered],
    time: float,
    generator: torch.Generator,
    past: Past,
) -> tuple[list[Float[Tensor, ""]], Past]:
    """Scalars whose gradients are the prior's, their values half the mean squares of those.

    Args:
        prior: what is distilled.
        loss: whose gradient.
        prompt: what the object is.
        views: where the renders look from.
        particles: the renders of each scene that is optimised, with gradients.
        time: diffusion time.
        generator: of the noise, and of what is behind the renders for a prior without alpha.
        past: what the loss remembers.
    """
    pictures = [_pictures(prior, seen, generator) * 2 - 1 for seen in particles]
    latents = [prior.encode(one) for one in pictures]
    clean = torch.cat([one.detach() for one in latents])
    count = len(particles)
    draw = Draw(
        clean,
        prior.spec.schedule.timesteps(torch.tensor([time] * count)).round(),
        torch.randn(clean.shape, generator=generator),
        [generator] * count,
        torch.cat([one.detach() for one in pictures]),
    )

    def says(prompt: str) -> Any:
        if not prompt:
            return embedded_negative(prior, [""] * count)
        return prior.embed([prompt] * count, [views] * count)

    found, past = loss_gradient(loss, prior, prompt, says, draw, past)
    pulls = []
    for index in range(count):
        pull = _toward(latents[index], found.gradient[index : index + 1])
        if found.pictures is not None:
            pull = pull + _toward(pictures[index], found.pictures[index : index + 1])
        pulls.append(pull)
    return pulls, past


def _toward(values: Tensor, gradient: Tensor) -> Float[Tensor, ""]:
    """Half the mean squared distance to where a step along the gradient leads."""
    return 0.5 * (values - (values.detach() - gradient)).square().mean()


def _pictures(
    prior: ViewPrior, seen: Rendered, generator: torch.Generator
) -> Float[Tensor, "1 c v h w"]:
    """Renders as the prior takes them: with alpha, or laid on a random grey."""
    if prior.spec.image_channels == 4:
        return rearrange(seen.rgba, "v h w c -> 1 c v h w")
    grey = torch.rand((), generator=generator)
    laid = seen.rgb + (1 - seen.opacity[..., None]) * grey
    return rearrange(laid, "v h w c -> 1 c v h w")
