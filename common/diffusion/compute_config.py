"""Switches that any U-Net has: how fast it computes, and what that changes."""

from pydantic import Field

from common.config import Config


class FeatureCacheConfig(Config):
    """Use deep features of a U-Net again at near noise levels (DeepCache, Ma et al. 2023)."""

    every: int = Field(2, ge=2, le=100)
    """Of so many evaluations of a prompt one computes all blocks; the others the outer ones."""
    levels: int = Field(1, ge=1, le=8)
    """Outer blocks, on the way down and on the way up, that every evaluation computes."""


class UNetComputeConfig(Config):
    """How a U-Net computes."""

    feature_cache: FeatureCacheConfig | None = None
    """Use deep features again; null computes all of them every time. For pictures, not for heun."""
    compile: bool = False
    """Compile the U-Net with torch.compile: minutes before the first picture, faster ones after,
    and other rounding. For pictures; a CPU needs a C++ compiler, CUDA needs triton."""
