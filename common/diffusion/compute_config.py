"""Switches that any denoiser has: how fast it computes, and what that changes."""

from pydantic import Field

from common.config import Config


class FeatureCacheConfig(Config):
    """Use what a denoiser's middle gave again at near noise levels.

    Of a U-Net, the features of its deep blocks (DeepCache, Ma et al. 2023); of a spacetime DiT,
    what its middle blocks added to the tokens (Delta-DiT, Chen et al. 2024).
    """

    every: int = Field(2, ge=2, le=100)
    """Of so many evaluations of a prompt one computes all blocks; the others the outer ones.
    Windows of a clip lie as they are from one whole evaluation to the next."""
    levels: int = Field(1, ge=1, le=8)
    """Outer blocks that every evaluation computes: of a U-Net on the way down and on the way up, of
    a spacetime DiT at the beginning and at the end."""


class UNetComputeConfig(Config):
    """How a denoiser computes."""

    feature_cache: FeatureCacheConfig | None = None
    """Use features again; null computes all of them every time. For pictures and clips, not for
    heun."""
    compile: bool = False
    """Compile the denoiser with torch.compile: minutes before the first sample, faster ones after,
    and other rounding. For pictures and clips; a CPU needs a C++ compiler, and memory for the
    denoiser's weights once more; CUDA needs triton."""
