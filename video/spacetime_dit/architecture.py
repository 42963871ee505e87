"""Sizes of the spacetime DiT."""

from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from common.embedded.clip_coding import CodingKind

AttentionKind = Literal["joint", "factorised"]
"""``joint``: every token attends to every token of the clip. ``factorised``: blocks attend in turn
within frames and along time (Latte's first variant, Ma et al. 2024, arXiv 2401.03048), with the
same weights by name and shape, at a cost that grows with the frames, not with their square."""


class Patch(Config):
    """What one token holds."""

    frames: int = Field(1, ge=1, le=8)
    """Frames."""
    height: int = Field(2, ge=1, le=8)
    """Latent cells down."""
    width: int = Field(2, ge=1, le=8)
    """Latent cells across."""

    @property
    def size(self) -> int:
        """Cells of all frames."""
        return self.frames * self.height * self.width


class SpacetimeDiTArchitecture(Config):
    """Sizes of the spacetime DiT."""

    coding: CodingKind = "frames"
    """What turns clips into the latents that it draws: every frame by itself (frames), or fewer
    frames of code (causal: the causal autoencoder), which makes steps cheaper."""
    latent_channels: int = Field(8, ge=1, le=64)
    """Channels of the latent."""
    text_channels: int = Field(256, ge=8, le=4096)
    """Features of a token state and of the pooled text."""
    patch: Patch = Patch()
    """What one token holds."""
    channels: int = Field(224, ge=16, le=4096)
    """Features of a token."""
    num_blocks: int = Field(7, ge=1, le=64)
    """Transformer blocks."""
    num_heads: int = Field(4, ge=1, le=64)
    """Attention heads."""
    mlp_factor: int = Field(4, ge=1, le=8)
    """Hidden features of the perceptrons, times the channels."""
    attention: AttentionKind = "joint"
    """Who attends to whom: joint or factorised."""
    rope_base: float = Field(100.0, gt=1)
    """Slowest rotation of a position, as a share of the fastest, inverted."""
    shift: float = Field(3.0, gt=0, le=100)
    """Moves sampling to noisier steps, ``shift t / (1 + (shift - 1) t)``; 1 spaces them evenly."""
    max_frames: int = Field(16, ge=1, le=10_000)
    """Longest clips it is trained on."""
    shared_noise: float = Field(0.0, ge=0, lt=1)
    """Share of the noise's variance that the frames of a clip have in common, in training and in
    sampling (Ge et al. 2023, arXiv 2305.10474)."""
    trained_px: int | None = Field(None, ge=8)
    """Side of the frames it was trained on last, which training says; null is not known."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "SpacetimeDiTArchitecture":
        if self.channels % (8 * self.num_heads):
            raise ValueError(
                f"channels {self.channels} do not divide by 8 x num_heads {self.num_heads}: every "
                "head splits its features among time, height and width in pairs"
            )
        return self

    @property
    def head_channels(self) -> int:
        """Features of a head."""
        return self.channels // self.num_heads
