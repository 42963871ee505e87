"""Clips of pixels to the codes of a causal autoencoder, and back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.embedded.frame_coding import decoded_frames, encoded_frames
from common.shapes import Clips
from video.causal_autoencoder.groups import groups_of, num_groups
from video.causal_autoencoder.model import CausalAutoencoder, Codes
from video.causal_autoencoder.streaming import coded_parts, decoded_parts

_AT_ONCE = 16
"""Frames, or frames of code."""


@dataclass(frozen=True, eq=False)
class CausalCoding:
    """A `ClipCoding` with fewer frames of latents than of clips: 16 frames are 5 of them."""

    autoencoder: Autoencoder
    causal: CausalAutoencoder

    def num_latent_frames(self, num_frames: int) -> int:
        """``1 + ceil((f - 1) / r)``."""
        return num_groups(num_frames, self.causal.architecture.frames_per_code)

    def encode(self, clips: Clips) -> Codes:
        """Premultiplied RGBA frames in [-1, 1] to codes; a picture's are its latents."""
        return self.coded(encoded_frames(self.autoencoder, clips))

    def encode_parts(self, parts: Iterable[Tensor]) -> Iterator[Codes]:
        """The codes of a clip that comes in parts of any lengths, in constant memory."""
        return coded_parts(self.causal, (encoded_frames(self.autoencoder, part) for part in parts))

    def coded(self, latents: Clips) -> Codes:
        """Standardised per-frame latents to codes."""
        return torch.cat(list(coded_parts(self.causal, latents.split(_AT_ONCE, 2))), 2)

    def decode(self, latents: Codes, num_frames: int | None = None) -> Clips:
        """Codes to premultiplied RGBA frames, not clamped; None: all that the codes hold.

        Raises:
            InputError: a length that so many codes do not have.
        """
        return torch.cat(list(self.decode_parts(latents.split(_AT_ONCE, 2), num_frames)), 2)

    def decode_parts(
        self, parts: Iterable[Tensor], num_frames: int | None = None
    ) -> Iterator[Clips]:
        """The frames of a clip whose codes come in parts, in constant memory."""
        for latents in decoded_parts(self.causal, parts, num_frames):
            yield decoded_frames(self.autoencoder, latents)

    def drawn_latents(self, drawn: Float[Tensor, "1 f y x"]) -> Float[Tensor, "1 g y x"]:
        """A code is given where all frames of its group are given."""
        size = self.causal.architecture.frames_per_code
        return groups_of(drawn[None], size, first=True).amax(-1)
