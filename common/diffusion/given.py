"""A picture, or a clip, that samples are made from instead of noise alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from common.diffusion.kept_latents import Kept
from common.diffusion.sampler_config import Heun
from common.diffusion.samplers import Scheduler
from common.errors import InputError
from common.shapes import Latents


@dataclass(frozen=True, eq=False)
class Given:
    """Latents of what is given, and how much of it stays."""

    latents: Float[Tensor, "c *axes h w"]
    """Without noise."""
    strength: float
    """Share of the steps that are taken, in (0, 1]; 1 starts from noise alone."""
    drawn: Float[Tensor, "1 *axes h w"] | None = None
    """In [0, 1]: 1 where samples are drawn anew, 0 where they are as given; None: everywhere."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left to draw."""
        return self.drawn is not None and not bool((self.drawn > 0).any())

    def of_first_frame(self) -> "Given":
        """What is given of a clip's first frame, as a clip of one frame."""
        drawn = None if self.drawn is None else self.drawn[:, :1]
        return Given(self.latents[:, :1], self.strength, drawn)


@dataclass(frozen=True, eq=False)
class Beginning:
    """How one batch of samples begins."""

    latents: Latents
    """At the noise level of the evaluation that it begins with."""
    evaluation: int
    kept: Kept | None


def beginning(given: Given | None, scheduler: Scheduler, noise: Latents) -> Beginning:
    """Where samples begin (SDEdit, Meng et al. 2021, arXiv 2108.01073): given latents with noise.

    Args:
        given: None: from noise alone.
        scheduler: knows the noise level of each evaluation.
        noise: of each sample, standard normal.
    """
    if given is None:
        return Beginning(noise, 0, None)
    evaluation = first_evaluation(scheduler.config, given.strength)
    clean = repeat(given.latents.to(noise), "... -> b ...", b=len(noise))
    start = noise
    if given.strength < 1:
        timestep = scheduler.timesteps[evaluation].to(noise.device, torch.float32)
        start = scheduler.schedule.add_noise(clean, noise, timestep.expand(len(noise)))
        start = start.to(noise)
    kept = None
    if given.drawn is not None:
        mask = repeat(given.drawn.to(noise), "... -> b ...", b=len(noise))
        kept = Kept(clean, noise, mask)
    return Beginning(start, evaluation, kept)


def first_evaluation(sampler: Any, strength: float) -> int:
    """The evaluation that a run of this strength begins with.

    The last ``floor(strength * num_steps)`` steps are taken, as in diffusers.

    Raises:
        InputError: that is none.
    """
    # A share such as 0.29 of 100 is 28.999999999999996 in floating point.
    taken = min(math.floor(strength * sampler.num_steps + 1e-9), sampler.num_steps)
    if taken < 1:
        raise InputError(
            f"strength {strength:g} of {sampler.num_steps} steps leaves none to take; use at least "
            f"{1 / sampler.num_steps:.3g}, or more steps"
        )
    skipped = sampler.num_steps - taken
    return 2 * skipped if isinstance(sampler, Heun) else skipped


def num_taken(sampler: Any, strength: float) -> int:
    """Evaluations of the prior that a run of this strength makes of each condition."""
    return int(sampler.num_evaluations) - first_evaluation(sampler, strength)


def cells_drawn(
    mask: Float[Tensor, "*axes h w"], cells: Sequence[int]
) -> Float[Tensor, "1 *axes y x"]:
    """The latent cells that hold any pixel to be drawn: 1 for these, 0 for the others.

    Args:
        mask: 1 where pixels are drawn, of a picture or of each frame.
        cells: sizes of the latents, rows and columns last.
    """
    size = (mask.shape[-2] // cells[-2], mask.shape[-1] // cells[-1])
    pooled = torch.nn.functional.max_pool2d(mask.reshape(-1, 1, *mask.shape[-2:]), size, size)
    held = (pooled > 0).to(mask)
    return held.reshape(1, *mask.shape[:-2], *held.shape[-2:])
