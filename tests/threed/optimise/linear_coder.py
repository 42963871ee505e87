"""A tiny U-Net in the shape of Stable Diffusion 1.5 behind an autoencoder that is linear."""

import torch
from einops import repeat
from torch.nn import functional

from tests.threed.distillation.tiny_unet import TinyPrior

CELL = 8
"""Pixels of a latent."""
SIDE = 8
"""Latents of a picture."""
MIXED = torch.tensor(
    [[0.9, -0.4, 0.3], [0.2, 1.1, -0.5], [-0.7, 0.1, 0.8], [0.4, 0.6, 0.5]], dtype=torch.float64
)
"""Latents of colours in [-1, 1]."""


class LinearCoder(TinyPrior):
    """Four latents of a cell's mean colour; it counts the pictures that it encodes."""

    def __init__(self, dtype=torch.float64):
        super().__init__(dtype)
        self.encoded = 0

    def encode(self, pictures):
        self.encoded += len(pictures)
        means = functional.avg_pool2d(pictures, CELL)
        return torch.einsum("zc,bchw->bzhw", MIXED.to(pictures), means)

    def decode(self, latents):
        colours = torch.einsum("cz,bzhw->bchw", torch.linalg.pinv(MIXED).to(latents), latents)
        return repeat(colours, "b c h w -> b c (h p) (w q)", p=CELL, q=CELL)


def latents_of(colours: torch.Tensor) -> torch.Tensor:
    """Of sRGB-encoded colours in [0, 1], channels last."""
    return (2 * colours - 1) @ MIXED.to(colours).T
