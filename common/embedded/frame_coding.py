"""Clips through the autoencoder, frame by frame, some frames at a time: it bounds memory."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.shapes import Clips

_AT_ONCE = 16
"""Frames."""


def encoded_frames(autoencoder: Autoencoder, clips: Clips) -> Float[Tensor, "b z f y x"]:
    """Premultiplied RGBA frames in [-1, 1] to standardised latents."""
    flat = rearrange(clips, "b c f h w -> (b f) c h w")
    parts = [autoencoder.encode(part) for part in flat.split(_AT_ONCE)]
    return rearrange(torch.cat(parts), "(b f) c h w -> b c f h w", b=len(clips))


def decoded_frames(autoencoder: Autoencoder, latents: Float[Tensor, "b z f y x"]) -> Clips:
    """Standardised latents to premultiplied RGBA frames, not clamped."""
    flat = rearrange(latents, "b c f h w -> (b f) c h w")
    parts = [autoencoder.decode(part) for part in flat.split(_AT_ONCE)]
    return rearrange(torch.cat(parts), "(b f) c h w -> b c f h w", b=len(latents))
