"""The same compression without learning: every r-th frame, and mixtures between."""

import torch
from einops import rearrange

from common.shapes import Clips
from video.causal_autoencoder.groups import frames_of, groups_of, mixtures
from video.causal_autoencoder.model import Roundtrip


def interpolated(latents: Clips, frames_per_code: int) -> Roundtrip:
    """Keep the last frame of each group and mix the others of the two next to them, linearly.

    Per-frame latents of as many values as a causal autoencoder's codes; what one begins as.
    """
    size, channels = frames_per_code, latents.shape[1]
    kept = groups_of(latents, size, first=True)[..., -channels:]
    before = torch.cat([kept[:, :1], kept[:, :-1]], 1)
    made = frames_of(mixtures(before, kept, size), size, first=True)[:, :, : latents.shape[2]]
    return Roundtrip(rearrange(kept, "b g y x z -> b z g y x"), made)
