"""A prior in closed form: it knows renders of one ball, and nothing else."""

from collections.abc import Sequence

import torch
from einops import rearrange
from torch import Tensor

from common.diffusion.noise_schedule import build_noise_schedule, per_sample
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import CosineSchedule
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField, raw_of_colour, uniform_field

SIDE = 32


def ball(colour: tuple[float, float, float]) -> VoxelField:
    """A ball of radius 0.4 in one colour, solid inside."""
    field = uniform_field((25, 25, 25))
    axis = torch.linspace(-0.6, 0.6, 25)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    density = 60.0 * (0.4 - (x**2 + y**2 + z**2).sqrt())
    raw = raw_of_colour(torch.tensor(colour)).expand(25, 25, 25, 3).contiguous()
    return VoxelField(density.clamp(-10, 6), raw, field.low, field.high)


class BallPrior:
    """What it knows is renders of one ball, with a little variance: all in closed form."""

    def __init__(self, true: VoxelField):
        self.true = true
        schedule = build_noise_schedule(CosineSchedule())
        self.spec = PriorSpec((4, 4, SIDE, SIDE), 4, schedule, "v")

    def embed(
        self, prompts: Sequence[str], views: Sequence[Sequence[View] | None] | None = None
    ) -> Tensor:
        rows = views or [None] * len(prompts)
        grey = torch.zeros(4, 4, SIDE, SIDE)
        return torch.stack([grey if row is None else self._seen(row) for row in rows])

    def _seen(self, views: Sequence[View]) -> Tensor:
        seen = render(self.true, cameras_on_orbit(views, SIDE)).rgba
        return rearrange(seen, "v h w c -> c v h w") * 2 - 1

    def predict(self, latents: Tensor, timesteps: Tensor, cond: Tensor) -> Tensor:
        schedule = self.spec.schedule
        alpha, sigma = schedule.alpha_sigma(timesteps)
        spread = per_sample(alpha**2 * 0.01 + sigma**2, latents)
        off = latents - per_sample(alpha, latents) * cond
        eps = per_sample(sigma, latents) * off / spread
        return convert_prediction(eps, "eps", "v", latents, timesteps, schedule)

    def encode(self, pictures: Tensor) -> Tensor:
        return pictures

    def decode(self, latents: Tensor) -> Tensor:
        return latents
