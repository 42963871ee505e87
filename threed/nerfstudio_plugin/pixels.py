"""Pixels of a step, drawn by the step alone, so that a resumed training draws the same ones."""

from dataclasses import dataclass, field
from typing import Any

import torch
from nerfstudio.cameras.rays import RayBundle
from nerfstudio.data.datamanagers.base_datamanager import (
    VanillaDataManager,
    VanillaDataManagerConfig,
)
from nerfstudio.data.pixel_samplers import PixelSampler, PixelSamplerConfig
from torch import Tensor


@dataclass
class StepPixelsConfig(PixelSamplerConfig):
    """Evenly over all pixels of all pictures, or over those within their masks."""

    _target: type = field(default_factory=lambda: StepPixels)


class StepPixels(PixelSampler):
    """Draws from ``generator``, which is set before each step."""

    generator: torch.Generator | None = None

    def sample_method(
        self,
        batch_size: int,
        num_images: int,
        image_height: int,
        image_width: int,
        mask: Tensor | None = None,
        device: torch.device | str = "cpu",
    ) -> Tensor:
        """Rows of picture, row and column."""
        if mask is not None and not self.config.ignore_mask:
            inside = torch.nonzero(mask[..., 0]).cpu()
            drawn = torch.randint(len(inside), (batch_size,), generator=self.generator)
            return inside[drawn].to(device)
        counts = (num_images, image_height, image_width)
        columns = [torch.randint(n, (batch_size,), generator=self.generator) for n in counts]
        return torch.stack(columns, -1).to(device)


@dataclass
class StepPixelsManagerConfig(VanillaDataManagerConfig):
    """Pictures of a dataset, whose pixels are drawn by the step."""

    _target: type = field(default_factory=lambda: StepPixelsManager)
    pixel_sampler: PixelSamplerConfig = field(default_factory=StepPixelsConfig)
    """How pixels are drawn."""
    pixel_seed: int = 0
    """Seed of the draws."""


class StepPixelsManager(VanillaDataManager):
    """nerfstudio's manager, with a generator for each step."""

    config: StepPixelsManagerConfig

    def next_train(self, step: int) -> tuple[RayBundle, dict[str, Any]]:
        """Rays and pixels of a step."""
        return self._drawn(super().next_train, self.train_pixel_sampler, step, "train")

    def next_eval(self, step: int) -> tuple[RayBundle, dict[str, Any]]:
        """The same of the pictures for evaluation."""
        return self._drawn(super().next_eval, self.eval_pixel_sampler, step, "eval")

    def _drawn(self, draw: Any, sampler: Any, step: int, split: str) -> Any:
        from common.seeding import generator_for

        sampler.generator = generator_for(
            self.config.pixel_seed, step, f"nerfstudio pixels/{split}"
        )
        return draw(step)
