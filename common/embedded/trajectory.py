"""How a thing in a clip moves as a whole, told from the prompt: where, how large, how turned.

A clip of something that slides is its first frame, moved; only what an affine map cannot do (a turn
of the object, a mouth that opens) is left to draw. The trajectory is a mode of a mixture that the
prompt's vector tells. With it comes how much of the change it leaves unexplained, which says how
much noise the moved first frame goes under (SDEdit, Meng et al. 2021, arXiv 2108.01073). Motion
told before it is drawn: Motion-I2V (Shi et al. 2024, arXiv 2401.15977).
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.framing import boxes_of
from common.embedded.mixture_density import MixtureDensity
from common.shapes import Clips, Images

NUM_MOVES = 5
_NARROWEST = -1.0
"""Logarithm of a deviation of a component, whose own is 0: clips are few for so many values."""
_SHARPER = 2
"""Samples to a pixel, in each direction: what shrinks would flicker."""

Tracks = Float[Tensor, "b f 5"]
"""Of each frame, against the first: how far the thing has gone to the right and down, in shorter
sides of the picture; logarithms of its stretch across and along its own height; and its turn in the
picture's plane, clockwise, radians. Of the first frame all are 0."""


class TrajectoryArchitecture(Config):
    """Sizes of the network."""

    features: int = Field(263, ge=1)
    """Of the prompt's vector."""
    hidden: int = Field(128, ge=1)
    """Units."""
    num_modes: int = Field(32, ge=1)
    """Of the mixture."""
    num_frames: int = Field(16, ge=2)
    """Of a clip."""
    num_components: int = Field(12, ge=1)
    """Principal components that tracks are made of."""


class Told(NamedTuple):
    """What is told of clips."""

    tracks: Tracks
    unexplained: Float[Tensor, " b"]
    """Share of a clip's change that the moved first frame misses, 0 to 1."""


class Trajectories(nn.Module):
    """Mixtures of Gaussians over principal components of tracks and what they leave unexplained."""

    mean: Tensor
    components: Tensor

    def __init__(self, architecture: TrajectoryArchitecture):
        super().__init__()
        self.architecture = architecture
        length = (architecture.num_frames - 1) * NUM_MOVES
        self.register_buffer("mean", torch.zeros(length))
        self.register_buffer("components", torch.zeros(architecture.num_components, length))
        self.mixture = MixtureDensity(
            architecture.features, architecture.hidden, architecture.num_modes,
            architecture.num_components + 1, _NARROWEST,
        )  # fmt: skip

    def values(self, told: Told) -> Float[Tensor, "b v"]:
        """Principal components of unit variance, and the logarithm of what is unexplained."""
        flat = rearrange(told.tracks[:, 1:], "b f m -> b (f m)")
        squares = (self.components**2).sum(1)
        parts = (flat - self.mean) @ self.components.T / squares.clamp(min=1e-12)
        return torch.cat([parts, told.unexplained.clamp(1e-3, 1).log()[:, None]], 1)

    def told(self, vectors: Float[Tensor, "b d"], generators: Sequence[torch.Generator]) -> Told:
        """What each prompt's generator draws."""
        return self.of_values(self.mixture.drawn(vectors, generators))

    @torch.no_grad()
    def expected_unexplained(self, vectors: Float[Tensor, "b d"]) -> Float[Tensor, " b"]:
        """Of each prompt, over all that its mixture may draw: ``exp E log``."""
        logits, means, _ = self.mixture(vectors.float())
        return (logits.softmax(1) * means[..., -1]).sum(1).exp().clamp(0, 1)

    def of_values(self, values: Float[Tensor, "b v"]) -> Told:
        """The inverse of `values`."""
        flat = self.mean + values[:, :-1] @ self.components
        tracks = rearrange(flat, "b (f m) -> b f m", m=NUM_MOVES)
        return Told(F.pad(tracks, (0, 0, 1, 0)), values[:, -1].exp().clamp(0, 1))


def moved(first: Images, tracks: Tracks) -> Clips:
    """Clips of premultiplied RGBA pictures that move, each about the centre of what is visible.

    Outside of the pictures there is nothing.
    """
    return moved_about(first, tracks, centres_of(first), _SHARPER)


def centres_of(pictures: Images) -> Float[Tensor, "b 2"]:
    """Centres of the boxes around what is visible: right and down, in shorter sides."""
    height, width = pictures.shape[2:]
    sides = torch.tensor([width, height]).to(pictures) / min(height, width)
    return boxes_of(pictures)[:, 1:].to(pictures) * sides


def moved_about(
    first: Images, tracks: Tracks, centres: Float[Tensor, "b 2"], sharper: int = 1
) -> Clips:
    """As `moved`, about given centres, with ``sharper`` samples to a pixel in each direction."""
    height, width = first.shape[2:]
    inverse, offset = _inverse(tracks.to(first), centres)
    where = _points(height, width, sharper).to(first)
    back = torch.einsum("bfij,yxj->bfyxi", inverse, where) + offset[:, :, None, None]
    sides = torch.tensor([width, height]).to(first) / min(height, width)
    grid = rearrange(2 * back / sides - 1, "b f y x i -> (b f) y x i")
    shown = repeat(first, "b c h w -> (b f) c h w", f=tracks.shape[1])
    # Empty is -1, and what lies outside of the picture is read as 0.
    drawn = F.grid_sample(shown + 1, grid, align_corners=False) - 1
    drawn = F.avg_pool2d(drawn, sharper) if sharper > 1 else drawn
    return rearrange(drawn, "(b f) c h w -> b c f h w", b=len(first))


def _points(height: int, width: int, sharper: int) -> Float[Tensor, "y x 2"]:
    """Places in the picture in shorter sides: right, down."""
    side = min(height, width) * sharper
    rows, columns = (torch.arange(count * sharper) + 0.5 for count in (height, width))
    return torch.stack(torch.meshgrid(columns / side, rows / side, indexing="xy"), -1)


def _inverse(
    tracks: Tracks, centres: Float[Tensor, "b 2"]
) -> tuple[Float[Tensor, "b f 2 2"], Float[Tensor, "b f 2"]]:
    """From a place in a moved frame to the one in the first: ``S^-1 R^T (p - c - t) + c``."""
    cos, sin = tracks[..., 4].cos(), tracks[..., 4].sin()
    rows = (torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1))
    turned = torch.stack(rows, -2)
    inverse = turned / tracks[..., 2:4].exp()[..., None]
    there = centres[:, None] + tracks[..., :2]
    return inverse, centres[:, None] - torch.einsum("bfij,bfj->bfi", inverse, there)
