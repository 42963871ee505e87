"""Sizes of the causal autoencoder."""

from pydantic import Field

from common.config import Config


class CausalAutoencoderArchitecture(Config):
    """Sizes of the causal autoencoder."""

    latent_channels: int = Field(8, ge=1, le=64)
    """Channels of the per-frame latents, and of the codes."""
    frames_per_code: int = Field(4, ge=2, le=8)
    """Frames that become one frame of the code, after the first, which is coded alone."""
    channels: int = Field(64, ge=8, le=1024)
    """Features of a place."""
    reach: int = Field(2, ge=1, le=4)
    """Frames of the code that a causal convolution sees: its own, and the ones before."""
    encoder_blocks: int = Field(1, ge=1, le=16)
    """Residual blocks of the encoder."""
    decoder_blocks: int = Field(3, ge=1, le=16)
    """Residual blocks of the decoder."""
