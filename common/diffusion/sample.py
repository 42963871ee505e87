"""From noise to samples: the one loop that every generating path runs.

It yields after every evaluation of the prior, so whoever iterates it does the showing, saving and
stopping. Latents go in and come out as the prior's own ``z = alpha x + sigma eps``, whatever space
the scheduler works in.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guided_prediction import Negative, check_negatives, guided_prediction
from common.diffusion.kept_latents import Kept, kept_at
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import Prior
from common.diffusion.sampler_config import DDIM, Heun
from common.diffusion.sampler_state import Position, State, restore, sampler_state
from common.diffusion.samplers import Scheduler
from common.errors import InputError
from common.shapes import Latents

Cond = TypeVar("Cond")


@dataclass(frozen=True)
class SampleStep:
    """What one evaluation of the prior made of the latents."""

    index: int
    """Counted from 0."""
    num_steps: int
    """Evaluations of the whole run: Heun has two a step, one in the last."""
    timestep: float
    """Where the prior was evaluated."""
    latents: Tensor
    """Noised latents after the step; after the last step, the sample."""
    denoised: Tensor
    """The clean latents that the guided prediction implies."""
    state: State
    """Pass it as ``start`` to continue from here to the same bits."""


def sample(
    prior: Prior[Cond],
    scheduler: Scheduler,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    latents: Latents,
    generators: Sequence[torch.Generator],
    start: State | None = None,
    *,
    negatives: Sequence[Negative[Cond]] = (),
    begin: int = 0,
    kept: Kept | None = None,
    frame_scales: Float[Tensor, " f"] | None = None,
) -> Iterator[SampleStep]:
    """Draw samples, yielding after every evaluation.

    Args:
        prior: What is sampled.
        scheduler: Of ``build_scheduler``; it is not changed.
        cond: The prompts.
        uncond: The empty prompts, or for CFG and APG the negative prompts in their place.
        guidance: A member of ``Guidance``.
        latents: Noised latents at the first timestep. At full noise that is standard normal noise;
            ``initial_latents`` is what diffusers' pipelines take.
        generators: One per sample, for the noise of stochastic samplers.
        start: The state of an earlier step, to continue after it. ``latents`` and ``begin`` are
            then those of the state.
        negatives: Negative prompts of Perp-Neg.
        begin: The evaluation to begin with, ``latents`` being noised to its timestep (as in image
            to image).
        kept: What samples keep of given latents (inpainting): after every evaluation it is put in
            place at the noise level reached.
        frame_scales: Guidance scales of the frames of clips, in place of the one of `guidance`.

    Raises:
        InputError: for settings of another prior, and numbers of samples that differ.
    """
    _check(prior, scheduler, latents, generators, begin, kept)
    check_negatives(guidance, negatives)
    if start is None:
        position = _first_position(scheduler, latents, begin)
    else:
        position = restore(scheduler, start, generators, latents.device)
    for index in range(position.index, len(scheduler.timesteps)):
        position, denoised = _advance(
            prior, scheduler, cond, uncond, guidance, position, list(generators), negatives,
            frame_scales,
        )  # fmt: skip
        if kept is not None:
            own = kept_at(kept, position.latents, scheduler, position.index)
            position, denoised = replace(position, latents=own), kept.within(denoised, kept.clean)
        yield SampleStep(
            index=index,
            num_steps=len(scheduler.timesteps),
            timestep=float(scheduler.timesteps[index]),
            latents=position.latents / scheduler.scale(index + 1),
            denoised=denoised,
            state=sampler_state(scheduler, position, generators),
        )


@torch.no_grad()
def _advance(
    prior: Prior[Cond],
    scheduler: Scheduler,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    position: Position,
    generators: list[torch.Generator],
    negatives: Sequence[Negative[Cond]],
    frame_scales: Float[Tensor, " f"] | None,
) -> tuple[Position, Tensor]:
    """One evaluation and one step. A function, as a generator would leave gradients off outside."""
    spec, diffusers, own = prior.spec, position.diffusers, position.latents
    timestep = scheduler.timesteps[position.index]
    latents = diffusers.scale_model_input(own, timestep) if scheduler.in_sigma_space else own
    timesteps = timestep.to(latents.device, torch.float32).expand(len(latents))
    guided = guided_prediction(
        prior, latents, timesteps, cond, uncond, guidance, negatives, position.momentum,
        frame_scales,
    )  # fmt: skip
    here = (latents, timesteps, spec.schedule)
    denoised = convert_prediction(guided.prediction, spec.prediction, "x0", *here)
    prediction = convert_prediction(guided.prediction, spec.prediction, scheduler.prediction, *here)
    arguments: dict[str, Any] = {"generator": generators} if scheduler.draws_noise else {}
    if isinstance(scheduler.config, DDIM):
        arguments["eta"] = scheduler.config.eta
    moved = diffusers.step(prediction, timestep, own, **arguments, return_dict=False)[0]
    return Position(diffusers, position.index + 1, moved, guided.momentum), denoised


def initial_latents(scheduler: Scheduler, noise: Latents) -> Latents:
    """The latents that diffusers' pipelines start from: its ``init_noise_sigma`` times the noise.

    Slightly smaller than the noise itself for Euler and Heun, which start from noise alone where
    the schedule leaves a little signal. Flows start from the noise.
    """
    first = float(getattr(scheduler.diffusers, "init_noise_sigma", 1.0))
    return noise * (first / scheduler.scale(0))


def _first_position(scheduler: Scheduler, latents: Latents, begin: int) -> Position:
    """Before the evaluation that a run begins with."""
    diffusers = copy.deepcopy(scheduler.diffusers)
    if begin:
        _begin_at(scheduler, diffusers, begin)
    return Position(diffusers, begin, latents * scheduler.scale(begin), None)


def _begin_at(scheduler: Scheduler, diffusers: Any, begin: int) -> None:
    if isinstance(scheduler.config, Heun) and begin % 2:
        raise InputError(f"heun cannot begin at {begin}, inside a step: use {begin - 1}")
    if hasattr(diffusers, "set_begin_index"):
        diffusers.set_begin_index(begin)


def _check(
    prior: Prior[Any],
    scheduler: Scheduler,
    latents: Tensor,
    generators: Sequence[torch.Generator],
    begin: int,
    kept: Kept | None,
) -> None:
    if scheduler.schedule != prior.spec.schedule:
        raise InputError(
            f"the sampler was built for {scheduler.schedule.config}, "
            f"the prior has {prior.spec.schedule.config}"
        )
    if len(generators) != len(latents):
        raise InputError(
            f"one generator per sample: {len(latents)} samples, {len(generators)} generators"
        )
    if not 0 <= begin < len(scheduler.timesteps):
        raise InputError(f"begin must be 0 to {len(scheduler.timesteps) - 1}, got {begin}")
    if kept is not None:
        kept.check(latents)
