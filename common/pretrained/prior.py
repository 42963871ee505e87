"""The pretrained prior: a checkpoint's models behind the one seam."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from common.adapters.learnt_words import NO_WORDS, LearntWords
from common.adapters.word_file import Encoder
from common.diffusion.image_attention import ImageTokens, attending
from common.diffusion.lifted_unet import UNetInputs
from common.diffusion.prior import PriorSpec
from common.pretrained.controlnet import Control, control_features
from common.pretrained.ip_adapter import ImagePrompts
from common.pretrained.latent_scale import LatentScale
from common.pretrained.text_conditioning import TextConditioner
from common.shapes import Images, Timesteps


@dataclass(frozen=True)
class PretrainedCond:
    """What the U-Net is told of each sample."""

    states: Float[Tensor, "b l d"]
    """Token states."""
    mask: Bool[Tensor, "b l"] | None
    """Where there are states; None where all samples have as many."""
    pooled: Float[Tensor, "b k"] | None
    """SDXL: the prompt as one vector."""
    time_ids: Float[Tensor, "b 6"] | None
    """SDXL: height and width before scaling, crop from top and left, height and width after."""
    images: tuple[ImageTokens, ...] = ()
    """Image prompts."""


class PretrainedPrior:
    """A prior of latents whose denoiser is a U-Net of diffusers.

    State: the models on one device, and the size that is drawn. Latents come and go as float32,
    whatever type the models compute in.
    """

    def __init__(
        self,
        unet: Any,
        autoencoder: Any,
        text: TextConditioner,
        spec: PriorSpec,
        scale: LatentScale,
        size_condition: Sequence[int] | None = None,
        decode_batch: int = 1,
        controls: Sequence[Control] = (),
        image_prompts: ImagePrompts | None = None,
    ):
        self.unet, self.autoencoder, self.text = unet, autoencoder, text
        self._spec, self._scale, self._decode_batch = spec, scale, decode_batch
        self._size_condition = size_condition
        self._controls, self._image_prompts = controls, image_prompts

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def network(self) -> nn.Module:
        """The denoiser."""
        return self.unet

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return next(self.unet.parameters()).device

    @torch.no_grad()
    def embed(self, prompts: Sequence[str]) -> PretrainedCond:
        """Conditioning for prompts of any length, with emphasis brackets or without."""
        shown = self._image_prompts
        return self._embedded(prompts, None if shown is None else shown.positive)

    def told(self, prompts: Sequence[str]) -> PretrainedCond:
        """`embed` without image prompts, with gradients of learnt words."""
        return self._embedded(prompts, None)

    def taught(self, words: Mapping[Encoder, LearntWords]) -> "PretrainedPrior":
        """The same prior with learnt words in its text encoders."""
        same = copy(self)
        names: tuple[Encoder, ...] = ("text_encoder", "text_encoder_2")
        encoders = tuple(
            replace(one, words=words.get(name, NO_WORDS))
            for name, one in zip(names, self.text.encoders, strict=False)
        )
        same.text = replace(self.text, encoders=encoders)
        return same

    @torch.no_grad()
    def embed_negative(self, prompts: Sequence[str]) -> PretrainedCond:
        """Conditioning that guidance moves away from: image prompts that show nothing."""
        shown = self._image_prompts
        return self._embedded(prompts, None if shown is None else shown.negative)

    def _embedded(self, prompts: Sequence[str], image: ImageTokens | None) -> PretrainedCond:
        text, time_ids = self.text.text_of(prompts), None
        if self._size_condition is not None:
            row = torch.tensor([self._size_condition], dtype=torch.float32, device=self.device)
            time_ids = row.expand(len(prompts), -1)
        images: tuple[ImageTokens, ...] = ()
        if image is not None:
            images = (replace(image, tokens=image.tokens.expand(len(prompts), -1, -1)),)
        return PretrainedCond(text.states, text.mask, text.pooled, time_ids, images)

    def predict(self, latents: Images, timesteps: Timesteps, cond: PretrainedCond) -> Images:
        """The U-Net's prediction at each sample's timestep."""
        own = latents.to(cond.states.dtype)
        inputs = self.inputs(own, timesteps, self.spec.schedule.fraction(timesteps), cond)
        with attending(self.unet, cond.images):
            made = self.unet(own, timesteps, **inputs.arguments(), return_dict=False)
        return made[0].to(latents.dtype)

    def inputs(
        self,
        latents: Images,
        timesteps: Timesteps,
        times: Float[Tensor, " b"],
        cond: PretrainedCond,
    ) -> UNetInputs:
        """What the U-Net is told of each sample, features of ControlNets included.

        Args:
            latents: noised, in the type that the models compute in.
            timesteps: of the samples.
            times: the same as diffusion times in [0, 1].
            cond: the prompts.
        """
        told = None
        if cond.pooled is not None and cond.time_ids is not None:
            told = {"text_embeds": cond.pooled, "time_ids": cond.time_ids}
        added = control_features(self._controls, latents, timesteps, times, cond.states, told)
        return UNetInputs(cond.states, cond.mask, None, told, added.down, added.middle)

    def encode(self, pictures: Images) -> Float[Tensor, "b z y x"]:
        """RGB pictures in [-1, 1] to latents: the mean of the autoencoder's distribution."""
        parts = [
            self.autoencoder.encode(part.to(self.autoencoder.dtype)).latent_dist.mode()
            for part in pictures.split(self._decode_batch)
        ]
        return self._scale.to_latents(torch.cat(parts).to(pictures.dtype))

    def decode(self, latents: Float[Tensor, "b z y x"]) -> Images:
        """Latents to RGB pictures, not clamped."""
        parts = [
            self.autoencoder.decode(part.to(self.autoencoder.dtype), return_dict=False)[0]
            for part in self._scale.from_latents(latents).split(self._decode_batch)
        ]
        return torch.cat(parts).to(latents.dtype)
