"""A prior that knows one normal distribution for the prompt, one for none, one for other words."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.noise_schedule import build_noise_schedule, per_sample
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import ScaledLinearSchedule
from common.shapes import Latents, Timesteps
from threed.bench.affine import NormalWorld
from threed.bench.config import ViewLaws
from threed.bench.laws import MEANS

PROMPT = "the figure"
_SHAPE = (len(MEANS), 2, 2)


@dataclass(frozen=True)
class NormalCond:
    """Mean, in units of the prompt's, and variance of each sample."""

    mean: Float[Tensor, " b"]
    variance: Float[Tensor, " b"]


class NormalViews:
    """Predicts the noise exactly; latents are their own pictures. State: the distributions."""

    def __init__(self, world: NormalWorld):
        self.world = world
        self.spec = PriorSpec(_SHAPE, 4, build_noise_schedule(ScaledLinearSchedule()), "eps")

    def embed(self, prompts: Sequence[str]) -> NormalCond:
        """The distribution that each prompt stands for."""
        kinds = {PROMPT: 0, "": 1}
        rows = [self.world.kinds[kinds.get(prompt, 2)] for prompt in prompts]
        means, variances = zip(*rows, strict=True)
        return NormalCond(
            torch.tensor(means, dtype=torch.float64), torch.tensor(variances, dtype=torch.float64)
        )

    def predict(self, latents: Latents, timesteps: Timesteps, cond: NormalCond) -> Latents:
        """``sigma (z - alpha k m) / (alpha^2 s^2 + sigma^2)``."""
        alpha, sigma = self.spec.schedule.alpha_sigma(timesteps)
        off = latents - per_sample(alpha * cond.mean, latents) * pattern()
        return per_sample(sigma / (alpha**2 * cond.variance + sigma**2), latents) * off

    def encode(self, pictures: Latents) -> Latents:
        """Pictures are their own latents."""
        return pictures

    def decode(self, latents: Latents) -> Latents:
        """Latents are their own pictures."""
        return latents


def pattern() -> Float[Tensor, "c 1 1"]:
    """``m``."""
    return torch.tensor(MEANS, dtype=torch.float64)[:, None, None]


def world_of(laws: ViewLaws, last_timestep: float) -> NormalWorld:
    """The distributions, and the timesteps within the times that are asked about."""
    return NormalWorld(
        laws.spread, laws.wide * laws.spread, laws.poor * laws.spread,
        math.ceil(laws.min_time * last_timestep), math.floor(laws.max_time * last_timestep),
    )  # fmt: skip
