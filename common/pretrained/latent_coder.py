"""Between pictures and latents: a checkpoint's autoencoder and the scale of its latents."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.pretrained.latent_scale import LatentScale
from common.shapes import Images


@dataclass(frozen=True)
class LatentCoder:
    """The autoencoder at work; what comes out has the type of what came in."""

    autoencoder: Any
    scale: LatentScale
    batch: int = 1
    """Pictures that it takes together."""

    def encode(self, pictures: Images) -> Float[Tensor, "b z y x"]:
        """RGB pictures in [-1, 1] to latents: the mean of the autoencoder's distribution."""
        parts = [
            self.autoencoder.encode(part.to(self.autoencoder.dtype)).latent_dist.mode()
            for part in pictures.split(self.batch)
        ]
        return self.scale.to_latents(torch.cat(parts).to(pictures.dtype))

    def decode(self, latents: Float[Tensor, "b z y x"]) -> Images:
        """Latents to RGB pictures, not clamped."""
        parts = [
            self.autoencoder.decode(part.to(self.autoencoder.dtype), return_dict=False)[0]
            for part in self.scale.from_latents(latents).split(self.batch)
        ]
        return torch.cat(parts).to(latents.dtype)
