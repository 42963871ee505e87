"""The gradient of the loss that a config chooses."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, assert_never, runtime_checkable

import torch

from common.diffusion.prior import Prior
from common.shapes import Latents, Timesteps
from threed.distillation.bridge import bridge_gradient
from threed.distillation.control_variate import ControlVariate, learnt_gradient
from threed.distillation.csd import csd_gradient
from threed.distillation.ism import ism_gradient
from threed.distillation.loss_config import CSD, ISM, NFSD, RFDS, SDI, SDS, SJC, Bridge, Loss
from threed.distillation.nfsd import nfsd_gradient
from threed.distillation.rfds import rfds_gradient
from threed.distillation.scores import Distilled
from threed.distillation.sdi import sdi_gradient
from threed.distillation.sds import sds_gradient
from threed.distillation.sjc import sjc_gradient


@runtime_checkable
class Says(Protocol):
    """Makes a condition of words, seen from where the renders are."""

    def __call__(self, prompt: str) -> Any:
        """The condition of a prompt."""
        ...


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


def loss_gradient(
    loss: Loss, prior: Prior[Any], prompt: str, says: Says, draw: Draw, past: ControlVariate
) -> tuple[Distilled, ControlVariate]:
    """The gradient of clean latents, and what the learnt baseline knows after it.

    Args:
        loss: which, and its settings.
        prior: what is distilled.
        prompt: what the object is.
        says: makes conditions of prompts.
        draw: what is asked about.
        past: of the learnt baseline; other losses hand it back.
    """
    x, t, noise = draw.latents, draw.timesteps, draw.noise
    cond, empty = says(prompt), says("")
    match loss:
        case SDS(baseline="learnt"):
            told = (cond, empty, loss.guidance)
            return learnt_gradient(prior, x, t, noise, *told, past, loss.weight)
        case SDS():
            found = sds_gradient(prior, x, t, noise, cond, empty, loss.guidance, loss.weight)
        case SJC():
            told = (cond, empty, loss.guidance)
            reduced = loss.variance_reduction
            found = sjc_gradient(prior, x, t, noise, *told, variance_reduction=reduced)
        case CSD():
            away = says(loss.negative_prompt) if loss.negative_scale else None
            found = csd_gradient(
                prior, x, t, noise, cond, empty, away, scale=loss.scale,
                negative_scale=loss.negative_scale, weight=loss.weight,
            )  # fmt: skip
        case NFSD():
            bad = says(loss.negative_prompt)
            found = nfsd_gradient(
                prior, x, t, noise, cond, empty, bad, scale=loss.scale, weight=loss.weight
            )
        case ISM():
            table = prior.spec.schedule.timesteps(torch.tensor([loss.interval, loss.stride]))
            interval, stride = table.tolist()
            fits = min(interval, float(t.min()))  # whole timesteps may be half a one earlier
            found = ism_gradient(
                prior, x, t, cond, empty, loss.guidance, interval=fits, stride=stride,
                weight=loss.weight,
            )  # fmt: skip
        case SDI():
            found = sdi_gradient(
                prior, x, t, cond, empty, loss.guidance, inversion_scale=loss.inversion_scale,
                num_inversion_steps=loss.num_inversion_steps, eta=loss.eta,
                generators=draw.generators, weight=loss.weight,
            )  # fmt: skip
        case RFDS():
            found = rfds_gradient(prior, x, t, noise, cond, empty, loss.guidance)
        case Bridge():
            bad = says(f"{prompt}, {loss.bad_words}")
            found = bridge_gradient(
                prior, x, t, noise, cond, bad, scale=loss.scale, weight=loss.weight
            )
        case _:
            assert_never(loss)
    return found, past
