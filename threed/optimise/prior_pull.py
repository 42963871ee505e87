"""What a prior says of renders, as a loss: views, noise and time of a step."""

from collections.abc import Sequence
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.prior import embedded_negative
from common.embedded.image_unet import View
from threed.distillation.control_variate import ControlVariate
from threed.distillation.loss_config import Loss
from threed.distillation.loss_gradient import Draw, loss_gradient
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
    seen: Rendered,
    time: float,
    generator: torch.Generator,
    past: ControlVariate,
) -> tuple[Float[Tensor, ""], ControlVariate]:
    """A scalar whose gradient is the prior's, its value half the mean square of that.

    Args:
        prior: what is distilled.
        loss: whose gradient.
        prompt: what the object is.
        views: where the renders look from.
        seen: the renders, with gradients.
        time: diffusion time.
        generator: of the noise, and of what is behind the renders for a prior without alpha.
        past: of a learnt baseline.
    """
    planes = _pictures(prior, seen, generator)
    latents = prior.encode(planes * 2 - 1)
    schedule = prior.spec.schedule
    draw = Draw(
        latents.detach(),
        schedule.timesteps(torch.tensor([time])).round(),
        torch.randn(latents.shape, generator=generator),
        [generator],
    )

    def says(prompt: str) -> Any:
        return prior.embed([prompt], [views]) if prompt else embedded_negative(prior, [""])

    found, past = loss_gradient(loss, prior, prompt, says, draw, past)
    target = latents.detach() - found.gradient
    return 0.5 * (latents - target).square().mean(), past


def _pictures(
    prior: ViewPrior, seen: Rendered, generator: torch.Generator
) -> Float[Tensor, "1 c v h w"]:
    """Renders as the prior takes them: with alpha, or laid on a random grey."""
    if prior.spec.image_channels == 4:
        return rearrange(seen.rgba, "v h w c -> 1 c v h w")
    grey = torch.rand((), generator=generator)
    laid = seen.rgb + (1 - seen.opacity[..., None]) * grey
    return rearrange(laid, "v h w c -> 1 c v h w")
