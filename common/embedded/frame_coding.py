"""Clips through the autoencoder, frame by frame, some frames at a time: it bounds memory."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.errors import InputError
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


@dataclass(frozen=True, eq=False)
class FrameCoding:
    """Every frame by itself: a `ClipCoding` with a frame of latents for each."""

    autoencoder: Autoencoder

    def num_latent_frames(self, num_frames: int) -> int:
        """As many."""
        return num_frames

    def encode(self, clips: Clips) -> Float[Tensor, "b z f y x"]:
        """Premultiplied RGBA frames in [-1, 1] to standardised latents."""
        return encoded_frames(self.autoencoder, clips)

    def decode(self, latents: Float[Tensor, "b z f y x"], num_frames: int | None = None) -> Clips:
        """Standardised latents to premultiplied RGBA frames, not clamped.

        Raises:
            InputError: another number of frames.
        """
        if num_frames is not None and num_frames != latents.shape[2]:
            raise InputError(
                f"latents of {latents.shape[2]} frames are no clip of {num_frames} frames"
            )
        return decoded_frames(self.autoencoder, latents)

    def drawn_latents(self, drawn: Float[Tensor, "1 f y x"]) -> Float[Tensor, "1 f y x"]:
        """The same."""
        return drawn
