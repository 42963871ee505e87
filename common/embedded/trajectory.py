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
from einops import rearrange
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.mixture_density import MixtureDensity
from common.embedded.moves import NUM_MOVES, Tracks

_NARROWEST = -1.0
"""Logarithm of a deviation of a component, whose own is 0: clips are few for so many values."""


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
