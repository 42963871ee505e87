"""Guidance as pure functions on predictions, each sample of a batch for itself.

All follow ``uncond + guidance_scale (cond - uncond)``: scale 1 is the conditional prediction, 0
the unconditional one. Systems that write ``cond + s (cond - uncond)`` mean scale ``1 + s`` here.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guidance_config import APG, CFG, Guidance, PerpNeg
from common.shapes import Latents

Scale = float | Float[Tensor, "f 1 1"]
"""One guidance scale, or one of each frame of clips ``b c f h w``."""

__all__ = [
    "APG",
    "CFG",
    "Guidance",
    "PerpNeg",
    "Scale",
    "adaptive_projected",
    "classifier_free",
    "composed",
    "limited_rms",
    "parallel_part",
    "perpendicular_negative",
    "rescaled",
]


def classifier_free(uncond: Latents, cond: Latents, guidance_scale: Scale) -> Latents:
    """``uncond + s (cond - uncond)`` (Ho and Salimans 2022, arXiv 2207.12598).

    The same in any kind of prediction at equal latents: conversions are affine with common terms.
    """
    return uncond + _like(guidance_scale, cond) * (cond - uncond)


def composed(
    uncond: Latents,
    conds: Sequence[Latents],
    weights: Sequence[float | Float[Tensor, "..."]],
    guidance_scale: Scale,
) -> Latents:
    """``uncond + s sum_i w_i (cond_i - uncond)`` (Eq. 11, Liu et al. 2022, arXiv 2206.01714).

    Scores of products of densities add up: the conditions hold together. With one condition of
    weight 1 it is classifier-free guidance.
    """
    moved = torch.zeros_like(uncond)
    for cond, weight in zip(conds, weights, strict=True):
        own = weight.to(cond) if isinstance(weight, Tensor) else weight
        moved = moved + own * (cond - uncond)
    return uncond + _like(guidance_scale, uncond) * moved


def rescaled(guided: Latents, cond: Latents, rescale: float) -> Latents:
    """Restore each sample's contrast (Eq. 15-16, Lin et al. 2023, arXiv 2305.08891).

    ``phi guided std(cond) / std(guided) + (1 - phi) guided``, the deviation taken over all axes of
    a sample, frames and views included. As published it acts on the prior's own kind of prediction.
    """
    axes = tuple(range(1, guided.ndim))
    ratio = cond.std(axes, keepdim=True) / guided.std(axes, keepdim=True)
    return guided * (rescale * ratio + (1 - rescale))


def parallel_part(vector: Latents, onto: Latents, each_frame: bool = False) -> Latents:
    """The projection of each sample's ``vector`` onto ``onto``; zero where ``onto`` is zero.

    With ``each_frame``, of each frame of ``b c f h w`` for itself.
    """
    axes = (1, 3, 4) if each_frame else tuple(range(1, vector.ndim))
    # In double: over a clip's many elements, float32 sums leave a visible parallel rest.
    a, b = vector.double(), onto.double()
    square = (b * b).sum(axes, keepdim=True)
    tiny = torch.finfo(torch.float64).tiny
    return ((a * b).sum(axes, keepdim=True) / square.clamp(min=tiny) * b).to(vector)


def perpendicular_negative(
    uncond: Latents,
    cond: Latents,
    negatives: list[Latents],
    weights: list[Float[Tensor, "b ..."]],
    guidance_scale: Scale,
) -> Latents:
    """Perp-Neg (Eq. 8, Armandpour et al. 2023, arXiv 2304.04968).

    ``uncond + s (d - sum_i w_i d_i_perp)`` with ``d = cond - uncond`` and ``d_i_perp`` the part of
    ``negative_i - uncond`` perpendicular to ``d``. A negative parallel to the prompt does nothing.
    A weight ``b f`` is of each frame of ``b c f h w``, which is then projected for itself.
    """
    positive = cond - uncond
    update = positive
    for negative, weight in zip(negatives, weights, strict=True):
        away = negative - uncond
        framed = weight.ndim == 2
        across = away - parallel_part(away, positive, framed)
        shape = (len(weight), 1, -1, 1, 1) if framed else (-1, *[1] * (away.ndim - 1))
        update = update - weight.to(away).reshape(shape) * across
    return uncond + _like(guidance_scale, cond) * update


def limited_rms(vector: Latents, max_rms: float) -> Latents:
    """Shorten each sample's vector to at most ``max_rms``, the root mean square of its elements."""
    axes = tuple(range(1, vector.ndim))
    rms = (vector**2).mean(axes, keepdim=True).sqrt()
    return vector * torch.clamp(max_rms / rms, max=1.0)


def adaptive_projected(
    cond: Latents,
    direction: Latents,
    guidance_scale: Scale,
    parallel: float,
    max_rms: float | None,
) -> Latents:
    """Adaptive projected guidance (Algorithm 1, Sadat et al. 2024, arXiv 2410.02416).

    ``cond + (s - 1) (d_perp + parallel d_par)`` where ``d`` is the length-limited ``direction``,
    split along ``cond``. With ``direction = cond - uncond``, ``parallel = 1`` and no limit this is
    classifier-free guidance. Acts on predictions of the clean latent.

    Args:
        cond: Conditional prediction of the clean latent.
        direction: ``cond - uncond``, or its running sum over steps ``d_i + momentum d_(i-1)``.
        guidance_scale: As in ``classifier_free``.
        parallel: Share of the parallel part that is kept, the paper's eta.
        max_rms: The paper's r over the root of the number of elements, so that it means the same
            at every size; None is no limit.
    """
    if max_rms is not None:
        direction = limited_rms(direction, max_rms)
    along = parallel_part(direction, cond)
    update = (direction - along) + parallel * along
    return cond + _like(guidance_scale - 1, cond) * update


def _like(scale: Scale, latents: Latents) -> Scale:
    """Scales in the type of the latents, so that these keep theirs."""
    return scale.to(latents) if isinstance(scale, Tensor) else scale
