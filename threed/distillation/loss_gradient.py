"""The gradient of the loss that a config chooses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, assert_never, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guidance_config import PerpNeg
from common.diffusion.guided_prediction import Negative
from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.bridge import bridge_gradient
from threed.distillation.control_variate import ControlVariate, learnt_gradient, no_past
from threed.distillation.csd import csd_gradient
from threed.distillation.dds import dds_gradient
from threed.distillation.hifa import picture_gradient
from threed.distillation.ism import ism_gradient
from threed.distillation.loss_config import (
    CSD,
    DDS,
    ISM,
    NFSD,
    RFDS,
    SDI,
    SDS,
    SJC,
    VSD,
    Bridge,
    EditLoss,
    GuidedLoss,
    HiFA,
)
from threed.distillation.nfsd import nfsd_gradient
from threed.distillation.particles import LearntParticles, normal_particles
from threed.distillation.past import Past
from threed.distillation.rfds import rfds_gradient
from threed.distillation.scores import Distilled, Predictor
from threed.distillation.sdi import sdi_gradient
from threed.distillation.sds import sds_gradient
from threed.distillation.sjc import sjc_gradient
from threed.distillation.vsd import vsd_gradient


@runtime_checkable
class Says(Protocol):
    """Makes a condition of words, seen from where the renders are."""

    def __call__(self, prompt: str) -> Any:
        """The condition of a prompt."""
        ...


@dataclass(frozen=True)
class Before:
    """What is edited, as it was."""

    prompt: str
    """What it is."""
    latents: Latents
    """Clean ones, of its renders from where the scene's are."""
    negatives: Sequence[Negative[Any]] = ()
    """Those of Perp-Neg for its prompt."""


@dataclass(frozen=True)
class Draw:
    """What one step asks the prior about."""

    latents: Latents
    """Clean ones, of renders."""
    timesteps: Timesteps
    """One a sample."""
    noise: Latents
    """Standard normal; losses that invert draw none of it."""
    generators: Sequence[torch.Generator]
    """One a sample, for what else is drawn."""
    pictures: Float[Tensor, "b ..."]
    """The renders themselves, in [-1, 1]."""
    before: Before | None = None
    """For losses that edit."""
    negatives: Sequence[Negative[Any]] = ()
    """Of Perp-Neg, for losses that are guided by it."""


def loss_gradient(
    loss: EditLoss, prior: Prior[Any], prompt: str, says: Says, draw: Draw, past: Past
) -> tuple[Distilled, Past]:
    """The gradient of clean latents, and what the loss remembers after it.

    Args:
        loss: which, and its settings.
        prior: what is distilled.
        prompt: what the object is.
        says: makes conditions of prompts.
        draw: what is asked about.
        past: from `threed.distillation.past.past_of` at the first step. A LoRA learns in place.
    """
    x, t, noise = draw.latents, draw.timesteps, draw.noise
    cond, empty = says(prompt), says(_left_behind(loss))
    away = draw.negatives
    match loss:
        case DDS():
            found = _edited(loss, prior, cond, empty, says, draw)
        case SDS(baseline="learnt"):
            told = (cond, empty, loss.guidance)
            known = past if isinstance(past, ControlVariate) else no_past()
            return learnt_gradient(prior, x, t, noise, *told, known, loss.weight, away)
        case SDS():
            share = float(loss.baseline == "noise")
            told = (cond, empty, loss.guidance)
            found = sds_gradient(prior, x, t, noise, *told, loss.weight, share, away)
        case SJC():
            told = (cond, empty, loss.guidance)
            reduced = loss.variance_reduction
            found = sjc_gradient(
                prior, x, t, noise, *told, variance_reduction=reduced, negatives=away
            )
        case CSD() | NFSD() | Bridge():
            found = _by_words(loss, prior, prompt, says, draw)
        case ISM() | SDI():
            found = _inverting(loss, prior, cond, empty, draw)
        case RFDS():
            found = rfds_gradient(prior, x, t, noise, cond, empty, loss.guidance, away)
        case VSD():
            found = _variational(loss, prior, cond, empty, draw, past)
        case HiFA():
            told = (cond, empty, loss.guidance)
            found = sds_gradient(prior, x, t, noise, *told, loss.weight, negatives=away)
            pull = picture_gradient(prior, draw.pictures, found, t, loss.weight)
            found = replace(found, pictures=loss.picture_scale * pull)
        case _:
            assert_never(loss)
    return found, past


def _by_words(
    loss: CSD | NFSD | Bridge, prior: Prior[Any], prompt: str, says: Says, draw: Draw
) -> Distilled:
    """The gradient of a loss that weighs differences of prompts itself."""
    x, t, noise = draw.latents, draw.timesteps, draw.noise
    cond, empty = says(prompt), says("")
    match loss:
        case CSD():
            away = says(loss.negative_prompt) if loss.negative_scale else None
            return csd_gradient(
                prior, x, t, noise, cond, empty, away, scale=loss.scale,
                negative_scale=loss.negative_scale, weight=loss.weight,
            )  # fmt: skip
        case NFSD():
            bad = says(loss.negative_prompt)
            return nfsd_gradient(
                prior, x, t, noise, cond, empty, bad, scale=loss.scale, weight=loss.weight
            )
        case Bridge():
            bad = says(f"{prompt}, {loss.bad_words}")
            return bridge_gradient(
                prior, x, t, noise, cond, bad, scale=loss.scale, weight=loss.weight
            )
        case _:
            assert_never(loss)


def _left_behind(loss: EditLoss) -> str:
    """What takes the place of no prompt."""
    if isinstance(loss, GuidedLoss) and not isinstance(loss.guidance, PerpNeg):
        return loss.negative_prompt
    return ""


def _edited(
    loss: DDS, prior: Prior[Any], cond: Any, empty: Any, says: Says, draw: Draw
) -> Distilled:
    """The gradient less that of what is edited, as it was."""
    assert draw.before is not None  # configs refuse it without an asset to edit
    return dds_gradient(
        prior, draw.latents, draw.before.latents, draw.timesteps, draw.noise, cond,
        says(draw.before.prompt), empty, loss.guidance, loss.weight, draw.negatives,
        draw.before.negatives,
    )  # fmt: skip


def _variational(
    loss: VSD, prior: Prior[Any], cond: Any, empty: Any, draw: Draw, past: Past
) -> Distilled:
    """The gradient against the score of the renders, which learns from them afterwards."""
    x, t = draw.latents, draw.timesteps
    particles: Predictor[Any]
    particles = past if isinstance(past, LearntParticles) else normal_particles(prior, x)
    found = vsd_gradient(
        prior, particles, x, t, draw.noise, cond, empty, cond, loss.guidance, loss.weight,
        draw.negatives,
    )  # fmt: skip
    if isinstance(particles, LearntParticles):
        # at any noise level: what the LoRA is asked next may be at another one
        last = prior.spec.schedule.max_timestep
        generators = draw.generators
        times = torch.stack([torch.rand((), generator=one) * last for one in generators]).round()
        fresh = torch.stack([torch.randn(x.shape[1:], generator=one) for one in generators])
        particles.learn(x, times.to(t), fresh.to(x), cond)
    return found


def _inverting(loss: ISM | SDI, prior: Prior[Any], cond: Any, empty: Any, draw: Draw) -> Distilled:
    """The gradient of a loss that takes its noise from an inversion of the render."""
    x, t = draw.latents, draw.timesteps
    if isinstance(loss, SDI):
        return sdi_gradient(
            prior, x, t, cond, empty, loss.guidance, inversion_scale=loss.inversion_scale,
            num_inversion_steps=loss.num_inversion_steps, eta=loss.eta,
            generators=draw.generators, weight=loss.weight, negatives=draw.negatives,
        )  # fmt: skip
    table = prior.spec.schedule.timesteps(torch.tensor([loss.interval, loss.stride]))
    interval, stride = table.tolist()
    fits = min(interval, float(t.min()))  # whole timesteps may be half a one earlier
    return ism_gradient(
        prior, x, t, cond, empty, loss.guidance, interval=fits, stride=stride,
        weight=loss.weight, negatives=draw.negatives,
    )  # fmt: skip
