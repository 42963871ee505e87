"""The one seam of the suite: everything that generates sees a model only as a ``Prior``.

A prior is variance preserving in latent space, ``z_t = alpha_t x + sigma_t eps`` with
``alpha_t^2 + sigma_t^2 = 1``, or a rectified flow, ``alpha_t = 1 - sigma_t``. Timesteps are the
model's own training indices (fractional values interpolate the table); diffusion time ``t`` in
[0, 1], as guidance intervals and distillation use it, is ``spec.schedule.fraction(timesteps)``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

import torch

from common.diffusion.frame_curves import PromptTravel
from common.diffusion.noise_schedule import NoiseSchedule
from common.diffusion.prediction_type import PredictionType
from common.shapes import Latents, Timesteps

Cond = TypeVar("Cond")
"""What a prior makes of prompts: opaque to everyone but the prior itself."""


@dataclass(frozen=True)
class PriorSpec:
    """What a caller must know of a prior to draw from it."""

    latent_shape: tuple[int, ...]
    """``(c, h, w)`` for pictures, ``(c, f, h, w)`` for clips."""
    image_channels: int
    """3 for RGB, 4 for RGBA with premultiplied alpha."""
    schedule: NoiseSchedule
    prediction: PredictionType


@runtime_checkable
class ShowsPictures(Protocol):
    """A prior that may be told more than its prompts, such as pictures of an image prompt."""

    def embed_negative(self, prompts: Sequence[str]) -> Any:
        """Conditioning that guidance moves away from: of the prompts alone."""
        ...


@runtime_checkable
class Prior(Protocol, Generic[Cond]):
    """A text-conditional denoiser with its encoder and decoder."""

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        ...

    def embed(self, prompts: Sequence[str]) -> Cond:
        """Conditioning for a batch of prompts; ``""`` is the unconditional one."""
        ...

    def predict(self, latents: Latents, timesteps: Timesteps, cond: Cond) -> Latents:
        """The model's prediction (``spec.prediction``) at ``z_t`` for each sample's timestep."""
        ...

    def encode(self, pictures: Latents) -> Latents:
        """Pictures in [-1, 1] to latents."""
        ...

    def decode(self, latents: Latents) -> Latents:
        """Latents to pictures in [-1, 1] (not clamped)."""
        ...


@runtime_checkable
class MakesNoise(Protocol):
    """A prior whose samples begin with noise that is related among frames."""

    def noise(self, generators: Sequence[torch.Generator]) -> Latents:
        """What samples begin with, one a generator: each value is standard normal."""
        ...


@runtime_checkable
class TravelsPrompts(Protocol):
    """A prior of clips whose frames may have prompts of their own."""

    def embed_travel(self, travel: PromptTravel, count: int) -> Any:
        """Conditioning of ``count`` clips, each frame told a mixture of the prompts."""
        ...


def embedded_negative(prior: Prior[Cond], prompts: Sequence[str]) -> Cond:
    """What guidance moves away from: the prompts, without whatever else the prior is told."""
    if isinstance(prior, ShowsPictures):
        found: Cond = prior.embed_negative(prompts)
        return found
    return prior.embed(prompts)
