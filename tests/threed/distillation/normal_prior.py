"""Priors in closed form: latents around a mean for each prompt."""

from collections.abc import Sequence

import torch
from torch import Tensor

from common.diffusion.noise_schedule import build_noise_schedule, per_sample
from common.diffusion.prediction import convert_prediction
from common.diffusion.prediction_type import PredictionType
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import CosineSchedule, FlowSchedule

SHAPE = (2, 3, 4)


class Normal:
    """Around the number that a prompt is, each element with variance ``var``."""

    def __init__(self, var: float, prediction: PredictionType = "v", flow: bool = False):
        self.var = var
        schedule = build_noise_schedule(FlowSchedule() if flow else CosineSchedule())
        self.spec = PriorSpec(SHAPE, 4, schedule, prediction)

    def embed(self, prompts: Sequence[str]) -> Tensor:
        return torch.tensor([float(prompt or 0) for prompt in prompts], dtype=torch.float64)

    def predict(self, latents: Tensor, timesteps: Tensor, cond: Tensor) -> Tensor:
        alpha, sigma = self.spec.schedule.alpha_sigma(timesteps)
        spread = per_sample(alpha**2 * self.var + sigma**2, latents)
        off = latents - per_sample(alpha, latents) * per_sample(cond, latents)
        eps = per_sample(sigma, latents) * off / spread
        return convert_prediction(
            eps, "eps", self.spec.prediction, latents, timesteps, self.spec.schedule
        )

    def encode(self, pictures: Tensor) -> Tensor:
        return pictures

    def decode(self, latents: Tensor) -> Tensor:
        return 2 * latents


class TwoSpreads(Normal):
    """Prompts have variance ``var``, the empty prompt ``wide``."""

    def __init__(self, var: float, wide: float):
        super().__init__(var)
        self.wide = wide

    def predict(self, latents: Tensor, timesteps: Tensor, cond: Tensor) -> Tensor:
        narrow = super().predict(latents, timesteps, cond)
        wide = Normal(self.wide).predict(latents, timesteps, cond)
        return torch.where(per_sample(cond, latents) == 0, wide, narrow)


def drawn(seed: int = 0, count: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *SHAPE, generator=generator, dtype=torch.float64)
