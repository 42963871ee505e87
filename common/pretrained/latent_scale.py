"""Between what an autoencoder makes and latents of about unit variance, which the U-Net sees.

``latents = (encoded - shift) scale``. Stable Diffusion has one scale, ``scaling_factor``; other
autoencoders add a shift, or a mean and a deviation for each channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.shapes import Images


@dataclass(frozen=True)
class LatentScale:
    """The affine map, one number or one for each channel."""

    scale: Float[Tensor, "#c 1 1"]
    shift: Float[Tensor, "#c 1 1"]

    def to_latents(self, encoded: Images) -> Images:
        """What the autoencoder encoded, as latents."""
        return (encoded - self.shift.to(encoded)) * self.scale.to(encoded)

    def from_latents(self, latents: Images) -> Images:
        """Latents as the autoencoder decodes them."""
        return latents / self.scale.to(latents) + self.shift.to(latents)


def latent_scale(config: Mapping[str, Any]) -> LatentScale:
    """The map that an autoencoder's config asks for."""
    mean, std = config["latents_mean"], config["latents_std"]
    factor = float(config["scaling_factor"])
    if mean is not None and std is not None:
        channels = (-1, 1, 1)
        return LatentScale(
            factor / torch.tensor(std, dtype=torch.float32).reshape(channels),
            torch.tensor(mean, dtype=torch.float32).reshape(channels),
        )
    shift = float(config["shift_factor"] or 0.0)
    return LatentScale(torch.full((1, 1, 1), factor), torch.full((1, 1, 1), shift))
