"""The same compression without learning: every r-th frame, and mixtures between."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.embedded.frame_coding import decoded_frames, encoded_frames
from common.shapes import Clips
from video.causal_autoencoder.groups import (
    check_num_frames,
    frames_of,
    groups_of,
    mixtures,
    num_grouped,
    num_groups,
)


def kept(latents: Clips, frames_per_code: int) -> Float[Tensor, "b z g y x"]:
    """The last frame of each group: what the codes of a causal autoencoder begin as."""
    groups = groups_of(latents, frames_per_code, first=True)[..., -latents.shape[1] :]
    return rearrange(groups, "b g y x z -> b z g y x")


def mixed(
    codes: Float[Tensor, "b z g y x"], frames_per_code: int, num_frames: int | None = None
) -> Clips:
    """Kept frames, with linear mixtures of the two next to them between.

    Raises:
        InputError: a length that so many kept frames do not have.
    """
    count = num_grouped(codes.shape[2], frames_per_code) if num_frames is None else num_frames
    check_num_frames(count, codes.shape[2], frames_per_code)
    now = rearrange(codes, "b z g y x -> b g y x z")
    before = torch.cat([now[:, :1], now[:, :-1]], 1)
    return frames_of(mixtures(before, now, frames_per_code), frames_per_code, True)[:, :, :count]


@dataclass(frozen=True, eq=False)
class InterpolatedCoding:
    """A `ClipCoding` that keeps every r-th frame of latents."""

    autoencoder: Autoencoder
    frames_per_code: int

    def num_latent_frames(self, num_frames: int) -> int:
        """``1 + ceil((f - 1) / r)``."""
        return num_groups(num_frames, self.frames_per_code)

    def encode(self, clips: Clips) -> Float[Tensor, "b z g y x"]:
        """Premultiplied RGBA frames in [-1, 1] to the latents that are kept."""
        return kept(encoded_frames(self.autoencoder, clips), self.frames_per_code)

    def decode(self, latents: Float[Tensor, "b z g y x"], num_frames: int | None = None) -> Clips:
        """Kept latents to premultiplied RGBA frames, not clamped.

        Raises:
            InputError: a length that so many kept frames do not have.
        """
        frames = mixed(latents, self.frames_per_code, num_frames)
        return decoded_frames(self.autoencoder, frames)

    def drawn_latents(self, drawn: Float[Tensor, "1 f y x"]) -> Float[Tensor, "1 g y x"]:
        """1 where any frame of a group is drawn."""
        return groups_of(drawn[None], self.frames_per_code, first=True).amax(-1)
