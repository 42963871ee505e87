"""The union ControlNet of the embedded image U-Net: one small model for every kind of picture.

A ControlNet (Zhang et al. 2023, arXiv 2302.05543) whose way down has channels of its own, as in
ControlNet-XS (Zavadski et al. 2023, arXiv 2312.06573), so that it takes a sixth of the U-Net's
space; the kind of the picture is an embedding that joins the time embedding, as in unions of
ControlNets. What it makes goes through convolutions that begin at zero and is added to the U-Net's
skip connections and middle, in diffusers' layout.
"""

from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, Int64
from pydantic import Field, model_validator
from torch import Tensor, nn

from common.config import Config
from common.control.features import Features
from common.control.kinds import CONTROL_KINDS, ControlKind
from common.shapes import Images, Timesteps

_TIME_CHANNELS = 96
_RGB = 3


class ControlNetArchitecture(Config):
    """Sizes of the ControlNet; it has as many levels and layers as the U-Net."""

    block_channels: tuple[int, ...] = Field((96, 128, 160), min_length=2, max_length=4)
    """Channels of each level, the finest first."""
    picture_channels: tuple[int, int] = (32, 48)
    """Channels at a half and at a quarter of the picture's side."""
    embedding_channels: int = Field(192, ge=8, le=1024)
    """Features of noise level, text, view and kind together."""
    norm_groups: int = Field(16, ge=1, le=64)
    """Groups of the normalisation."""
    kinds: tuple[ControlKind, ...] = Field(CONTROL_KINDS, min_length=1)
    """The kinds of pictures that it follows."""

    @model_validator(mode="after")
    def _channels_divide(self) -> "ControlNetArchitecture":
        for channels in self.block_channels:
            if channels % self.norm_groups:
                raise ValueError(
                    f"block_channels {channels} do not divide by norm_groups {self.norm_groups}"
                )
        return self


class UnionControlNet(nn.Module):
    """A ControlNet for pictures of several kinds.

    Args:
        sizes: The model's sizes.
        unet: The U-Net that it steers; only its shape is looked at.
    """

    def __init__(self, sizes: ControlNetArchitecture, unet: Any):
        super().__init__()
        from diffusers.models.embeddings import TimestepEmbedding, Timesteps

        levels, own = tuple(unet.config.block_out_channels), sizes.block_channels
        if len(own) != len(levels):
            raise ValueError(f"block_channels has {len(own)} levels, the U-Net {len(levels)}")
        self.sizes = sizes
        width = sizes.embedding_channels
        self.time = Timesteps(_TIME_CHANNELS, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.embed_time = TimestepEmbedding(_TIME_CHANNELS, width)
        self.embed_vector = nn.Linear(unet.config.projection_class_embeddings_input_dim, width)
        self.embed_kind = nn.Embedding(len(sizes.kinds), width)
        self.see = _Picture(sizes)
        self.conv_in = nn.Conv2d(unet.config.in_channels, own[0], 3, padding=1)
        self.join = _residual(own[0], own[0], sizes)
        self.down = nn.ModuleList()
        self.zero = nn.ModuleList([_zero(own[0], levels[0])])
        before = own[0]
        for level, (channels, wide) in enumerate(zip(own, levels, strict=True)):
            for _ in range(unet.config.layers_per_block):
                self.down.append(_residual(before, channels, sizes))
                self.zero.append(_zero(channels, wide))
                before = channels
            if level < len(levels) - 1:
                self.down.append(nn.Conv2d(channels, channels, 3, stride=2, padding=1))
                self.zero.append(_zero(channels, wide))
        self.middle = _residual(before, before, sizes)
        self.zero_middle = _zero(before, levels[-1])

    def forward(
        self,
        latents: Images,
        timesteps: Timesteps,
        vector: Float[Tensor, "b k"],
        pictures: Float[Tensor, "b 3 y x"],
        kinds: Int64[Tensor, " b"],
    ) -> Features:
        """What is added to the U-Net's features.

        Args:
            latents: Noised latents.
            timesteps: Of the samples.
            vector: Pooled text and view, as the U-Net takes them.
            pictures: What to follow, in [0, 1], at the size that is drawn.
            kinds: Of each picture, its place in ``sizes.kinds``.
        """
        time = self.embed_time(self.time(timesteps).to(latents.dtype))
        told = time + self.embed_vector(vector.to(latents.dtype)) + self.embed_kind(kinds)
        hidden = self.join(self.conv_in(latents) + self.see(pictures), told)
        made = [hidden]
        for layer in self.down:
            hidden = layer(hidden) if isinstance(layer, nn.Conv2d) else layer(hidden, told)
            made.append(hidden)
        down = tuple(zero(one) for zero, one in zip(self.zero, made, strict=True))
        return Features(down, self.zero_middle(self.middle(hidden, told)))


class _Picture(nn.Module):
    """From a picture to features of the latent's size."""

    def __init__(self, sizes: ControlNetArchitecture):
        super().__init__()
        half, quarter = sizes.picture_channels
        self.layers = nn.Sequential(
            nn.Conv2d(4 * _RGB, half, 3, padding=1), nn.SiLU(),
            nn.Conv2d(half, quarter, 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(quarter, quarter, 3, padding=1), nn.SiLU(),
            nn.Conv2d(quarter, sizes.block_channels[0], 3, stride=2, padding=1), nn.SiLU(),
            nn.Conv2d(sizes.block_channels[0], sizes.block_channels[0], 3, padding=1),
        )  # fmt: skip

    def forward(self, pictures: Float[Tensor, "b 3 y x"]) -> Float[Tensor, "b c h w"]:
        folded = rearrange(pictures * 2 - 1, "b c (h p) (w q) -> b (c p q) h w", p=2, q=2)
        return self.layers(folded.contiguous(memory_format=torch.channels_last))


def _residual(given: int, made: int, sizes: ControlNetArchitecture) -> nn.Module:
    from diffusers.models.resnet import ResnetBlock2D

    return ResnetBlock2D(
        in_channels=given, out_channels=made, temb_channels=sizes.embedding_channels,
        groups=sizes.norm_groups, groups_out=sizes.norm_groups,
    )  # fmt: skip


def _zero(given: int, made: int) -> nn.Conv2d:
    """A convolution that adds nothing until it is trained."""
    conv = nn.Conv2d(given, made, 1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv
