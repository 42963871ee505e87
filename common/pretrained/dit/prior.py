"""The pretrained prior of a checkpoint whose denoiser is a transformer."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from common.diffusion.prior import PriorSpec
from common.pretrained.latent_coder import LatentCoder
from common.pretrained.offload import running_device
from common.pretrained.text_conditioning import Text
from common.shapes import Images, Timesteps


@runtime_checkable
class Denoiser(Protocol):
    """A transformer of one family, told what that family is told."""

    @property
    def model(self) -> Any:
        """The transformer itself."""
        ...

    def predict(self, latents: Images, timesteps: Timesteps, text: Text) -> Images:
        """Its prediction, in the type that it computes in."""
        ...


@runtime_checkable
class ReadsPrompts(Protocol):
    """The text encoders of one family."""

    def text_of(self, prompts: Sequence[str]) -> Text:
        """What they make of prompts."""
        ...


class TransformerPrior:
    """A prior of latents whose denoiser is a transformer of diffusers.

    State: the models on one device, and the size that is drawn. Latents come and go as float32,
    whatever type the models compute in.
    """

    def __init__(self, denoiser: Denoiser, text: ReadsPrompts, coder: LatentCoder, spec: PriorSpec):
        self.denoiser, self.text, self._coder, self._spec = denoiser, text, coder, spec

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def network(self) -> nn.Module:
        """The denoiser."""
        found: nn.Module = self.denoiser.model
        return found

    @property
    def autoencoder(self) -> Any:
        """Between pictures and latents."""
        return self._coder.autoencoder

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return running_device(self.network)

    def embed(self, prompts: Sequence[str]) -> Text:
        """Conditioning for prompts, with emphasis brackets or without."""
        dtype, text = next(self.network.parameters()).dtype, self.text.text_of(prompts)
        pooled = None if text.pooled is None else text.pooled.to(dtype)
        return replace(text, states=text.states.to(dtype), pooled=pooled)

    def predict(self, latents: Images, timesteps: Timesteps, cond: Text) -> Images:
        """The transformer's prediction at each sample's timestep."""
        made = self.denoiser.predict(latents.to(cond.states.dtype), timesteps, cond)
        return made.to(latents.dtype)

    def encode(self, pictures: Images) -> Float[Tensor, "b z y x"]:
        """RGB pictures in [-1, 1] to latents."""
        return self._coder.encode(pictures)

    def decode(self, latents: Float[Tensor, "b z y x"]) -> Images:
        """Latents to RGB pictures, not clamped."""
        return self._coder.decode(latents)
