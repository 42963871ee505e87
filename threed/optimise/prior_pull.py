"""What a prior says of renders, as a loss: views, noise and time of a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.prior import embedded_negative
from common.embedded.image_unet import View
from threed.distillation.loss_config import EditLoss
from threed.distillation.loss_gradient import Before, Draw, loss_gradient
from threed.distillation.negatives import negatives_of
from threed.distillation.past import Past
from threed.distillation.view_prior import ViewPrior
from threed.optimise.latent_backdrop import LatentBackdrop
from threed.rendering.rendered import Rendered


@dataclass(frozen=True)
class Original:
    """What is edited: renders of each scene before the edit, from the same cameras."""

    prompt: str
    """What it is."""
    seen: Sequence[Rendered]


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
    loss: EditLoss,
    prompt: str,
    views: Sequence[View],
    particles: Sequence[Rendered],
    time: float,
    generator: torch.Generator,
    past: Past,
    original: Original | None = None,
    backdrop: LatentBackdrop | None = None,
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
        original: for losses that edit.
        backdrop: what is behind renders that are latents; None: renders are pictures, and encoded.
    """
    greys = [_behind(prior, generator) for _ in particles]
    pairs = list(zip(particles, greys, strict=True))
    if backdrop is None:
        pictures = [_pictures(*pair) * 2 - 1 for pair in pairs]
        latents = [prior.encode(one) for one in pictures]
    else:
        pictures = latents = [backdrop.behind(*pair) for pair in pairs]
    clean = torch.cat([one.detach() for one in latents])
    count = len(particles)
    draw = Draw(
        clean,
        prior.spec.schedule.timesteps(torch.tensor([time] * count)).round(),
        torch.randn(clean.shape, generator=generator),
        [generator] * count,
        torch.cat([one.detach() for one in pictures]),
        None if original is None else _before(prior, loss, original, greys, views),
        negatives_of(prior, loss, prompt, views, count),
    )

    def says(prompt: str) -> Any:
        if not prompt.strip():
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


@torch.no_grad()
def _before(
    prior: ViewPrior,
    loss: EditLoss,
    original: Original,
    greys: Sequence[Tensor | None],
    views: Sequence[View],
) -> Before:
    """Latents of the renders before the edit, on what is behind those of the scenes."""
    pairs = zip(original.seen, greys, strict=True)
    latents = [prior.encode(_pictures(seen, grey) * 2 - 1) for seen, grey in pairs]
    away = negatives_of(prior, loss, original.prompt, views, len(latents))
    return Before(original.prompt, torch.cat(latents), away)


def _behind(prior: ViewPrior, generator: torch.Generator) -> Tensor | None:
    """A random grey for a prior without alpha."""
    return None if prior.spec.image_channels == 4 else torch.rand((), generator=generator)


def _pictures(seen: Rendered, grey: Tensor | None) -> Float[Tensor, "1 c v h w"]:
    """Renders as the prior takes them: with alpha, or laid on a grey."""
    if grey is None:
        return rearrange(seen.rgba, "v h w c -> 1 c v h w")
    laid = seen.rgb + (1 - seen.opacity[..., None]) * grey
    return rearrange(laid, "v h w c -> 1 c v h w")
