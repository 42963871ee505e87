"""Pixels of a step, drawn by the step alone, so that a resumed training draws the same ones."""

import math
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
from torch.nn import functional

_REACH = 1 / 20
"""How far from an outline pixels count as near it, as a share of the picture's longer side: farther
than a coarse cell beside the hull is seen."""
_SHOWN = 0.01


@dataclass
class StepPixelsConfig(PixelSamplerConfig):
    """Mostly where transparent pictures show something; within their masks, if they have any."""

    _target: type = field(default_factory=lambda: StepPixels)
    anywhere: float = 0.1
    """Share that is drawn from all pixels; the rest is from those near outlines, as empty ones
    teach little and would make the regularisers weigh more. Of opaque pictures it is all."""


class StepPixels(PixelSampler):
    """Draws from ``generator``, which is set before each step."""

    config: StepPixelsConfig
    generator: torch.Generator | None = None
    _pictures: Tensor | None = None
    _near: Tensor | None = None

    def collate_image_dataset_batch(
        self, batch: dict[str, Any], num_rays_per_batch: int, keep_full_image: bool = False
    ) -> dict[str, Any]:
        """Pixels of pictures of one size; where they show something is looked up once."""
        if self._pictures is not batch["image"]:
            self._pictures = batch["image"]
            self._near = pixels_near(batch["image"], batch.get("mask"))
        return super().collate_image_dataset_batch(batch, num_rays_per_batch, keep_full_image)

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
        shape = (num_images, image_height, image_width)
        near = None if self._near is None or not len(self._near) else self._near
        anywhere = batch_size if near is None else round(self.config.anywhere * batch_size)
        if mask is None or self.config.ignore_mask:
            drawn = torch.randint(math.prod(shape), (anywhere,), generator=self.generator)
        else:
            inside = mask[..., 0].flatten().nonzero()[:, 0].cpu()
            drawn = inside[torch.randint(len(inside), (anywhere,), generator=self.generator)]
        if near is not None:
            rest = torch.randint(len(near), (batch_size - anywhere,), generator=self.generator)
            drawn = torch.cat([drawn, near[rest]])
        return torch.stack(torch.unravel_index(drawn, shape), -1).to(device)


def pixels_near(image: Tensor, mask: Tensor | None) -> Tensor | None:
    """Where pictures show something, or nearly so: as numbers into all pixels, in their order.

    Args:
        image: pictures ``n h w c``; of three channels there are no outlines, and so None.
        mask: ``n h w 1``, true where pictures may be learnt from.
    """
    if image.shape[-1] != 4:
        return None
    reach = math.ceil(_REACH * max(image.shape[1:3]))
    near = image[..., 3].cpu()
    for size in ((2 * reach + 1, 1), (1, 2 * reach + 1)):  # a square, one side at a time
        near = functional.max_pool2d(near, size, 1, (size[0] // 2, size[1] // 2))
    chosen = near > _SHOWN
    if mask is not None:
        chosen &= mask[..., 0].cpu() > 0
    return chosen.flatten().nonzero()[:, 0]


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
