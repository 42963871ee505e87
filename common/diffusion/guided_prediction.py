"""One guided prediction of a prior: which conditions are evaluated, and how they are combined."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from common.diffusion.classifier_guidance import class_gradient, classifier_shift
from common.diffusion.guidance import (
    Scale,
    adaptive_projected,
    classifier_free,
    composed,
    perpendicular_negative,
    rescaled,
)
from common.diffusion.guidance_config import APG, CFG, ClassifierGuidance, Composed, PerpNeg
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import Prior
from common.errors import InputError
from common.shapes import Latents, Timesteps

Cond = TypeVar("Cond")


@dataclass(frozen=True)
class Negative(Generic[Cond]):
    """A prompt beside the others, of Perp-Neg or composed; its weight in each sample or frame."""

    cond: Cond
    weight: Float[Tensor, "b ..."]


@dataclass(frozen=True)
class Guided:
    """A guided prediction, in the prior's own kind."""

    prediction: Tensor
    momentum: Tensor | None
    """The running guidance direction, to be handed to the next step; None where there is none."""


def guided_prediction(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    negatives: Sequence[Negative[Cond]] = (),
    momentum: Latents | None = None,
    frame_scales: Float[Tensor, " f"] | None = None,
) -> Guided:
    """The prior's prediction at ``latents``, guided; each sample may be at its own timestep.

    Conditions beside ``cond`` are evaluated only where they count: not at scale 1, and not when
    every sample is outside the interval. Nor is a classifier where its scale is 0.

    Args:
        prior: The model.
        latents: Noised latents ``z_t``.
        timesteps: One per sample.
        cond: The prompts.
        uncond: The empty prompts, or for CFG and APG the negative prompts in their place.
        guidance: A member of ``Guidance``.
        negatives: Negative prompts of Perp-Neg, or the further ones of composed guidance; the
            others refuse them.
        momentum: What the last step returned; None at the first.
        frame_scales: The guidance scale of each frame of clips, in place of the one of `guidance`.
    """
    scale = _scale(guidance, frame_scales, latents)
    check_negatives(guidance, negatives)
    positive = prior.predict(latents, timesteps, cond)
    inside = _inside(prior, guidance, timesteps)
    if not bool(inside.any()):
        return Guided(positive, momentum)
    prediction = positive
    if not _is_neutral(guidance, frame_scales):
        guided, momentum = _combined(
            prior, latents, timesteps, positive, uncond, guidance, scale, negatives, momentum,
            inside,
        )  # fmt: skip
        if guidance.rescale > 0:
            guided = rescaled(guided, positive, guidance.rescale)
        guides = _as_latents(inside, latents) & _guides(guidance, scale)
        prediction = torch.where(guides, guided, positive)
    if isinstance(guidance, ClassifierGuidance) and guidance.classifier_scale > 0:
        moved = prediction + _shift(prior, latents, timesteps, cond, guidance, inside)
        prediction = torch.where(_as_latents(inside, latents), moved, prediction)
    return Guided(prediction, momentum)


def _combined(
    prior: Prior[Cond],
    latents: Latents,
    timesteps: Timesteps,
    positive: Latents,
    uncond: Cond,
    guidance: Any,
    scale: Scale,
    negatives: Sequence[Negative[Cond]],
    momentum: Latents | None,
    inside: Bool[Tensor, " b"],
) -> tuple[Tensor, Tensor | None]:
    """The predictions of all conditions in one, and the momentum after it."""
    unconditional = prior.predict(latents, timesteps, uncond)
    match guidance:
        case CFG() | ClassifierGuidance():
            guided = classifier_free(unconditional, positive, scale)
        case APG():
            guided, momentum = _projected(
                prior, latents, timesteps, positive, unconditional, guidance, scale, momentum,
                inside,
            )  # fmt: skip
        case PerpNeg():
            guided = perpendicular_negative(
                unconditional, positive,
                [prior.predict(latents, timesteps, negative.cond) for negative in negatives],
                [guidance.negative_weight * negative.weight for negative in negatives],
                scale,
            )  # fmt: skip
        case Composed():
            others = [prior.predict(latents, timesteps, other.cond) for other in negatives]
            weights = [_as_latents(other.weight, latents) for other in negatives]
            guided = composed(unconditional, [positive, *others], [1.0, *weights], scale)
        case _:
            raise TypeError(f"no guidance {type(guidance).__name__}")
    return guided, momentum


def _shift(
    prior: Prior[Any],
    latents: Latents,
    timesteps: Timesteps,
    cond: Any,
    guidance: ClassifierGuidance,
    inside: Bool[Tensor, " b"],
) -> Tensor:
    """What the classifier adds; samples outside the interval are not asked for."""
    alpha, sigma = prior.spec.schedule.alpha_sigma(timesteps)
    alpha = torch.where(inside, alpha, 1.0)
    gradient = class_gradient(prior, latents, timesteps, cond)
    return classifier_shift(
        gradient, guidance.classifier_scale, prior.spec.prediction, alpha, sigma
    )


def check_negatives(guidance: Any, negatives: Sequence[Negative[Any]]) -> None:
    """Refuse negative prompts that would have no effect, and Perp-Neg without any."""
    if isinstance(guidance, PerpNeg) and not negatives:
        raise InputError("guidance perp_neg needs a negative_prompt; without one use guidance cfg")
    if isinstance(guidance, Composed) and len(negatives) != len(guidance.conditions):
        raise InputError(
            f"guidance composed has {len(guidance.conditions)} conditions, and {len(negatives)} "
            "are told: for one prompt use guidance cfg"
        )
    if negatives and not isinstance(guidance, PerpNeg | Composed):
        raise InputError(
            f"guidance {guidance.name} takes its negative prompt in place of the empty one; "
            "separate prompts are for perp_neg and composed"
        )


def _scale(guidance: Any, frame_scales: Float[Tensor, " f"] | None, latents: Latents) -> Scale:
    """In double, so that differences of it are rounded once."""
    if frame_scales is None:
        return float(guidance.guidance_scale)
    if latents.ndim != 5 or latents.shape[2] != len(frame_scales):
        raise InputError(
            f"guidance has {len(frame_scales)} scales, one a frame, and latents are "
            f"{tuple(latents.shape)}"
        )
    return rearrange(frame_scales.to(latents.device, torch.float64), "f -> f 1 1")


def _is_neutral(guidance: Any, frame_scales: Float[Tensor, " f"] | None) -> bool:
    """Whether the guided prediction is the conditional one, whatever the others are."""
    if _has_negatives(guidance):
        return False
    if frame_scales is not None:
        return bool((frame_scales == 1).all())
    return bool(guidance.guidance_scale == 1)


def _guides(guidance: Any, scale: Scale) -> Bool[Tensor, "..."] | bool:
    """Frames whose guided prediction is another than the conditional one; True: all."""
    if isinstance(scale, Tensor) and not _has_negatives(guidance):
        return scale != 1
    return True


def _inside(prior: Prior[Any], guidance: Any, timesteps: Timesteps) -> Bool[Tensor, " b"]:
    """Which samples are at a time that is guided."""
    low, high = guidance.interval
    time = prior.spec.schedule.fraction(timesteps)
    return (time >= low) & (time <= high)


def _has_negatives(guidance: Any) -> bool:
    """Whether scale 1 is more than the conditional prediction."""
    if isinstance(guidance, Composed):
        return True
    return isinstance(guidance, PerpNeg) and guidance.negative_weight > 0


def _as_latents(inside: Shaped[Tensor, " b"], latents: Latents) -> Shaped[Tensor, "..."]:
    return inside.to(latents.device).reshape(-1, *[1] * (latents.ndim - 1))


def _projected(
    prior: Prior[Any],
    latents: Latents,
    timesteps: Timesteps,
    positive: Latents,
    unconditional: Latents,
    guidance: APG,
    scale: Scale,
    momentum: Latents | None,
    inside: Bool[Tensor, " b"],
) -> tuple[Tensor, Tensor | None]:
    """APG on clean latents, converted back; samples outside the interval keep their momentum."""
    spec = prior.spec
    here = (latents, timesteps, spec.schedule)
    cond = convert_prediction(positive, spec.prediction, "x0", *here)
    direction = cond - convert_prediction(unconditional, spec.prediction, "x0", *here)
    if guidance.momentum != 0:
        before = torch.zeros_like(direction) if momentum is None else momentum
        direction = direction + guidance.momentum * before
        momentum = torch.where(_as_latents(inside, latents), direction, before)
    guided = adaptive_projected(cond, direction, scale, guidance.parallel, guidance.max_rms)
    return convert_prediction(guided, "x0", spec.prediction, *here), momentum
