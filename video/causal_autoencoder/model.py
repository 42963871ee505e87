"""The causal autoencoder: per-frame latents of clips to fewer frames of code, and back.

A causal autoencoder of video (MAGVIT-v2: Yu et al. 2023, arXiv 2310.05737; CogVideoX: Yang et al.
2024, arXiv 2408.06072; Wan, arXiv 2503.20314) that stands on the frozen autoencoder of pictures,
and compresses in time alone. A code is one frame of its group with a correction, and frames are
mixtures of two codes with a correction:

    c_0 = x_0,  c_k = x_{rk} + E(x_0 ... x_{rk}),
    x'_{r(k-1)+j} = (1 - j/r) c_{k-1} + (j/r) c_k + D_j(c_0 ... c_k),  j = 1 ... r.

``E`` and ``D`` are zero until they are trained: what is learnt begins as keeping every r-th frame
and mixing those between. Codes have the shape and the statistics of latents of pictures, a picture
is coded as itself, and nothing depends on what comes later.
"""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from common.errors import InputError
from common.shapes import Clips
from video.causal_autoencoder.architecture import CausalAutoencoderArchitecture
from video.causal_autoencoder.causal_block import CausalBlock, convolved, zero_conv
from video.causal_autoencoder.groups import (
    Before,
    Groups,
    MadeGroups,
    check_num_frames,
    frames_of,
    groups_of,
    mixtures,
    num_grouped,
)

Codes = Float[Tensor, "b z g y x"]
"""Frames of code, ``g = 1 + ceil((f - 1) / r)``, with as many cells as the latents."""


class Past(NamedTuple):
    """All that a network must remember of the groups before: its size does not grow with them."""

    blocks: tuple[Before, ...]
    """What each block's causal convolution has seen."""
    code: Before | None = None
    """The last frame of the code, for the decoder."""


class Coded(NamedTuple):
    """What an encoder or decoder made of a part of a clip, and its memory after it."""

    frames: Clips
    past: Past


class Roundtrip(NamedTuple):
    """Clips that went through their code."""

    codes: Codes
    latents: Clips
    """As many frames as there were."""


class Corrected(NamedTuple):
    """Corrections of groups, and what the blocks must remember of these."""

    groups: MadeGroups
    blocks: tuple[Before, ...]


class CausalNetwork(nn.Module):
    """Groups to corrections: a convolution, causal blocks, and a convolution of zeros."""

    def __init__(
        self, inputs: int, outputs: int, blocks: int, sizes: CausalAutoencoderArchitecture
    ):
        super().__init__()
        self.begin = nn.Conv2d(inputs, sizes.channels, 3, padding=1)
        self.blocks = nn.ModuleList(CausalBlock(sizes.channels, sizes.reach) for _ in range(blocks))
        self.end = zero_conv(sizes.channels, outputs, kernel=1)

    def forward(self, groups: Groups, past: Past | None) -> "Corrected":
        """Corrections of groups that follow ``past``, and what the blocks have seen."""
        features, seen = convolved(groups, self.begin), []
        for index, block in enumerate(self.blocks):
            features, last = block(features, None if past is None else past.blocks[index])
            seen.append(last)
        made = convolved(nn.functional.silu(features), self.end).to(groups.dtype)
        if past is None:
            made = torch.cat([torch.zeros_like(made[:, :1]), made[:, 1:]], 1)
        return Corrected(made, tuple(seen))


class CausalAutoencoder(nn.Module):
    """Encoder and decoder of standardised per-frame latents, of any length and size."""

    def __init__(self, architecture: CausalAutoencoderArchitecture):
        super().__init__()
        self.architecture = sizes = architecture
        channels, size = sizes.latent_channels, sizes.frames_per_code
        self.encoder = CausalNetwork(size * channels, channels, sizes.encoder_blocks, sizes)
        self.decoder = CausalNetwork(2 * channels, size * channels, sizes.decoder_blocks, sizes)

    def forward(self, latents: Clips, noise: Codes | None = None) -> Roundtrip:
        """Encode and decode; ``noise`` is added to all codes but the first, which is exact."""
        codes = self.encode(latents)
        noisy = codes
        if noise is not None:
            noisy = torch.cat([codes[:, :, :1], codes[:, :, 1:] + noise[:, :, 1:]], 2)
        return Roundtrip(codes, self.decode(noisy, latents.shape[2]))

    def encode(self, latents: Clips) -> Codes:
        """The codes of clips ``(b, z, f, y, x)``; the first is the first frame, to the bit.

        Raises:
            InputError: of another number of channels.
        """
        return self.encode_part(latents, None).frames

    def decode(self, codes: Codes, num_frames: int | None = None) -> Clips:
        """The per-frame latents of codes.

        Args:
            codes: of clips.
            num_frames: how many frames they have; None: all that the codes hold, ``1 + r (g - 1)``.

        Raises:
            InputError: a length that so many codes do not have.
        """
        size = self.architecture.frames_per_code
        count = num_grouped(codes.shape[2], size) if num_frames is None else num_frames
        check_num_frames(count, codes.shape[2], size)
        return self.decode_part(codes, None).frames[:, :, :count]

    def encode_part(self, latents: Clips, past: Past | None) -> Coded:
        """The codes of frames that follow ``past``: whole groups, but at the end of a clip."""
        sizes = self.architecture
        _check(latents, sizes)
        groups = groups_of(latents, sizes.frames_per_code, past is None)
        made, seen = self.encoder(groups, past)
        codes = groups[..., -sizes.latent_channels :] + made
        return Coded(rearrange(codes, "b g y x z -> b z g y x"), Past(seen))

    def decode_part(self, codes: Codes, past: Past | None) -> Coded:
        """The frames of codes that follow ``past``: one of the first code, ``r`` of each other."""
        size = self.architecture.frames_per_code
        _check(codes, self.architecture)
        now = rearrange(codes, "b z g y x -> b g y x z")
        first = now[:, :1] if past is None or past.code is None else past.code
        before = torch.cat([first, now[:, :-1]], 1)
        made, seen = self.decoder(torch.cat([before, now], -1), past)
        groups = mixtures(before, now, size) + made
        return Coded(frames_of(groups, size, past is None), Past(seen, now[:, -1:]))


def _check(latents: Clips, sizes: CausalAutoencoderArchitecture) -> None:
    if latents.shape[1] != sizes.latent_channels:
        raise InputError(
            f"the causal autoencoder takes latents of {sizes.latent_channels} channels, not "
            f"{latents.shape[1]}"
        )
    if not latents.shape[2]:
        raise InputError("a clip without frames has no code")
