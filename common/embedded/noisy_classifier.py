"""A classifier of noised latents: what a picture will show, from any moment of its drawing.

It reads ``u = alpha z``, not the noised latent ``z`` itself, through layers without normalisation:
so its gradient in ``z`` vanishes with the signal, as that of the exact ``log p(y | z)`` does, and
stays finite in every kind of prediction (``common.diffusion.classifier_guidance``). The noise level
is told to every level as gain and bias (FiLM, Perez et al. 2018, arXiv 1709.07871).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange, reduce
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from common.config import Config
from common.diffusion.noise_schedule import per_sample
from common.embedded.blocks import residual_blocks
from common.shapes import Images

_NUM_WAVES = 8
"""Sines and cosines that tell the noise level."""
_FIRST_KERNEL = 5
"""Cells along a side that a feature of the first level sees."""


class NoisyClassifierArchitecture(Config):
    """Sizes of the classifier, and which classes it tells apart."""

    latent_channels: int = Field(8, ge=1, le=64)
    """Channels of the latent."""
    num_whats: int = Field(1253, ge=2, le=100_000)
    """Things and emoji."""
    num_colours: int = Field(12, ge=2, le=1000)
    """Colours of things."""
    names_sha256: str = ""
    """Of the classes' names; the training puts it here."""
    widths: tuple[int, ...] = Field((64, 128), min_length=1, max_length=4)
    """Channels of the levels: the first at half of the latent's sides, and so on."""
    num_blocks: tuple[int, ...] = Field((2, 1), min_length=1, max_length=4)
    """Residual blocks of each level."""
    hidden_channels: int = Field(128, ge=2, le=4096)
    """Features from which the logits are made."""
    level_channels: int = Field(32, ge=2, le=1024)
    """Features of the noise level."""

    @model_validator(mode="after")
    def _levels_fit(self) -> "NoisyClassifierArchitecture":
        if len(self.widths) != len(self.num_blocks):
            raise ValueError(
                f"widths has {len(self.widths)} levels and num_blocks {len(self.num_blocks)}"
            )
        return self


class ClassLogits(NamedTuple):
    """Logits of each kind of class."""

    what: Float[Tensor, "b k"]
    colour: Float[Tensor, "b colours"]


class NoisyClassifier(nn.Module):
    """Logits of noised latents of any size."""

    def __init__(self, architecture: NoisyClassifierArchitecture):
        super().__init__()
        sizes = architecture
        self.architecture = sizes
        self.told = nn.Linear(2 * _NUM_WAVES, sizes.level_channels)
        kernels = (_FIRST_KERNEL, *[3] * len(sizes.widths))
        befores = (sizes.latent_channels, *sizes.widths)
        self.stems = nn.ModuleList(
            nn.Conv2d(before, width, kernel, stride=2, padding=kernel // 2)
            for before, width, kernel in zip(befores, sizes.widths, kernels, strict=False)
        )
        self.films = nn.ModuleList(
            nn.Linear(sizes.level_channels, 2 * width) for width in sizes.widths
        )
        self.blocks = nn.ModuleList(
            residual_blocks(width, count)
            for width, count in zip(sizes.widths, sizes.num_blocks, strict=True)
        )
        self.to_hidden = nn.Linear(2 * sizes.widths[-1], sizes.hidden_channels)
        self.to_what = nn.Linear(sizes.hidden_channels, sizes.num_whats)
        self.to_colour = nn.Linear(sizes.hidden_channels, sizes.num_colours)

    def forward(self, latents: Images, alpha: Float[Tensor, " b"]) -> ClassLogits:
        """Logits of noised latents ``z = alpha x + sigma eps`` with ``alpha^2 + sigma^2 = 1``.

        The mean and the largest of each feature of the last level are read, so that latents may
        have any size; those of training, 16 x 16, it knows best.
        """
        scaled = per_sample(alpha.double(), latents) * latents
        level = F.silu(self.told(_waves(alpha).to(latents)))
        features = scaled.contiguous(memory_format=torch.channels_last)
        for stem, film, blocks in zip(self.stems, self.films, self.blocks, strict=True):
            gain, bias = rearrange(film(level), "b (two k) -> two b k 1 1", two=2)
            features = blocks(stem(features) * (1 + gain) + bias)
        active = F.silu(features).to(latents.dtype)
        mean, most = (reduce(active, "b k y x -> b k", how) for how in ("mean", "max"))
        hidden = F.silu(self.to_hidden(torch.cat([mean, most], 1)))
        return ClassLogits(self.to_what(hidden), self.to_colour(hidden))


def _waves(alpha: Float[Tensor, " b"]) -> Float[Tensor, "b waves"]:
    """Sines and cosines of the noise level as an angle, ``t = 2 acos(alpha) / pi`` in [0, 1]."""
    time = torch.acos(alpha.double().clamp(0, 1)) * 2 / torch.pi
    turns = torch.arange(1, _NUM_WAVES + 1, device=alpha.device) * torch.pi / 2
    angles = time[:, None] * turns
    return torch.cat([angles.sin(), angles.cos()], 1)
