"""The spacetime DiT: noised latents, what is known of them, and a text to a velocity.

A transformer over patches of space and time (Peebles and Xie 2023; Brooks et al. 2024). What is
known of a clip (a first frame, key frames, what lies outside of a mask) comes in beside the noised
latents as clean latents and a mask, as in Wan (arXiv 2503.20314, section 5.1). A picture is a clip
of one frame.
"""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from common.diffusion.frame_attention import place_features, sinusoid
from common.errors import InputError
from common.shapes import Clips, Timesteps
from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.attention import Span
from video.spacetime_dit.block import NORM_EPS, SpacetimeBlock, modulated, zero_linear
from video.spacetime_dit.patches import grid_of, latents_of, patches_of
from video.spacetime_dit.rope import CELLS, angles, token_coordinates, turns_of

TIME_CHANNELS = 256


class Text(NamedTuple):
    """What the model is told of each clip."""

    states: Float[Tensor, "b l t"]
    """Token states."""
    mask: Bool[Tensor, "b l"]
    """Where there are tokens."""
    pooled: Float[Tensor, "b t"]
    """Pooled text, of unit mean square."""


class Known(NamedTuple):
    """What is given of clips."""

    latents: Clips
    """Clean; what is not given does not count."""
    mask: Float[Tensor, "b 1 f h w"]
    """1 where cells are given, 0 elsewhere."""


class SpacetimeDiT(nn.Module):
    """Clips of any length, size and shape to their velocity; zero until it is trained."""

    def __init__(self, architecture: SpacetimeDiTArchitecture):
        super().__init__()
        sizes = self.architecture = architecture
        channels, cells = sizes.channels, sizes.patch.size
        self.embedding = nn.Linear((2 * sizes.latent_channels + 1) * cells, channels)
        self.place = nn.Linear(channels, channels)
        self.time = nn.Sequential(
            nn.Linear(TIME_CHANNELS, channels), nn.SiLU(), nn.Linear(channels, channels)
        )
        self.text = nn.Linear(sizes.text_channels, channels)
        self.blocks = nn.ModuleList(
            SpacetimeBlock(sizes, span_of(sizes, index)) for index in range(sizes.num_blocks)
        )
        self.norm = nn.LayerNorm(channels, eps=NORM_EPS, elementwise_affine=False)
        self.modulation = nn.Sequential(nn.SiLU(), zero_linear(channels, 2 * channels))
        self.head = zero_linear(channels, sizes.latent_channels * cells)

    def forward(
        self,
        latents: Clips,
        timesteps: Timesteps,
        text: Text,
        known: Known | None = None,
        times: Float[Tensor, "b f"] | None = None,
    ) -> Clips:
        """The velocity ``eps - x0`` of noised latents.

        Args:
            latents: noised, ``(b, c, f, h, w)``.
            timesteps: from 0 (clean) to 1000 (noise), one a sample.
            text: what is shown.
            known: what is given of the clips, if anything is.
            times: of each frame, counted in frames; None: 0, 1, 2, ...

        Raises:
            InputError: latents of other channels than the model's.
        """
        sizes, patch = self.architecture, self.architecture.patch
        _check(latents, sizes)
        frames, height, width = latents.shape[2:]
        grid = grid_of(frames, height, width, patch)
        if times is None:
            times = torch.arange(frames, device=latents.device).float().expand(len(latents), -1)
        coordinates = token_coordinates(_whole(times, patch.frames), (height, width), patch)
        turns = turns_of(angles(coordinates, sizes.head_channels, sizes.rope_base))
        patches = patches_of(with_known(latents, known), patch)
        tokens = self.embedding(patches) + self.place(self._places(coordinates))
        condition = self.time(sinusoid(timesteps, TIME_CHANNELS)) + self.text(text.pooled)
        for block in self.blocks:
            tokens = block(tokens, condition, turns, grid, text.states, text.mask)
        shift, scale = self.modulation(condition)[:, None].chunk(2, dim=-1)
        made = self.head(modulated(self.norm(tokens), shift, scale))
        return latents_of(made, (frames, height, width), patch).to(latents.dtype)

    def _places(self, coordinates: Float[Tensor, "b n 3"]) -> Float[Tensor, "b n d"]:
        """Where and when a token is, as such: rotary positions only tell tokens from each other."""
        channels = self.architecture.channels
        of_time, quarter = channels // 2, channels // 4
        parts = [sinusoid(coordinates[..., 0], of_time)]
        for axis in (1, 2):
            flat = coordinates[..., axis].flatten() / CELLS + 0.5
            features = place_features(flat, quarter)
            parts.append(features.unflatten(0, coordinates.shape[:2]))
        return torch.cat(parts, -1)


def span_of(sizes: SpacetimeDiTArchitecture, index: int) -> Span:
    """What the tokens of block ``index`` attend to."""
    if sizes.attention == "joint":
        return "clip"
    return "place" if index % 2 else "frame"


def with_known(latents: Clips, known: Known | None) -> Float[Tensor, "b d f h w"]:
    """Latents, clean latents where they are given, and where that is: ``2 c + 1`` channels."""
    if known is None:
        return torch.cat([latents, torch.zeros_like(latents), torch.zeros_like(latents[:, :1])], 1)
    mask = known.mask.to(latents)
    return torch.cat([latents, known.latents.to(latents) * mask, mask], 1)


def _whole(times: Float[Tensor, "b f"], count: int) -> Float[Tensor, "b g"]:
    """Times of whole patches: the missing frames are the last again."""
    return torch.cat([times, times[:, -1:].expand(-1, -times.shape[1] % count)], 1)


def _check(latents: Clips, sizes: SpacetimeDiTArchitecture) -> None:
    if latents.shape[1] != sizes.latent_channels:
        raise InputError(
            f"this model draws latents of {sizes.latent_channels} channels, not {latents.shape[1]}"
        )
