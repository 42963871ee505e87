"""The pretrained prior: a checkpoint's models behind the one seam."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from common.adapters.learnt_words import NO_WORDS, LearntWords
from common.adapters.word_file import Encoder
from common.diffusion.compiled import compiled
from common.diffusion.compute_config import FeatureCacheConfig
from common.diffusion.computing import AS_IT_IS, Computing
from common.diffusion.feature_cache import reusing_features
from common.diffusion.frame_curves import FrameNumbers
from common.diffusion.image_attention import ImageTokens, attending
from common.diffusion.lifted_unet import UNetInputs
from common.diffusion.masked_picture import MaskedPicture
from common.diffusion.prior import PriorSpec
from common.errors import InputError
from common.pretrained.controlnet import Control, control_features
from common.pretrained.ip_adapter import ImagePrompts
from common.pretrained.latent_coder import LatentCoder
from common.pretrained.offload import running_device
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
        text: TextConditioner,
        coder: LatentCoder,
        spec: PriorSpec,
        size_condition: Sequence[int] | None = None,
        controls: Sequence[Control] = (),
        image_prompts: ImagePrompts | None = None,
    ):
        self.unet, self.text, self._coder, self._spec = unet, text, coder, spec
        self._size_condition = size_condition
        self.controls, self._image_prompts = tuple(controls), image_prompts
        self.compute = AS_IT_IS
        self._shown: MaskedPicture | None = None
        self._network = unet

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    def computing(
        self, feature_cache: FeatureCacheConfig | None, compiles: bool
    ) -> "PretrainedPrior":
        """The same prior, its U-Net computing otherwise: features reused, or compiled.

        Raises:
            InputError: the U-Net has too few levels, or nothing to compile with is there.
        """
        same = copy(self)
        if feature_cache is not None:
            reuse = reusing_features(self.unet, feature_cache.every, feature_cache.levels)
            same.compute = Computing(reuse)
        if compiles:
            same._network = compiled(self.unet, str(self.device))
        return same

    @property
    def network(self) -> nn.Module:
        """The denoiser."""
        return self.unet

    @property
    def autoencoder(self) -> Any:
        """Between pictures and latents."""
        return self._coder.autoencoder

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return running_device(self.unet)

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

    def following(self, controls: Sequence[Control]) -> "PretrainedPrior":
        """The same prior with other pictures that it follows."""
        same = copy(self)
        same.controls = tuple(controls)
        return same

    @property
    def takes_mask(self) -> bool:
        """Whether the U-Net is for inpainting."""
        return int(self.unet.config.in_channels) == 2 * self.spec.latent_shape[0] + 1

    def inpainting(self, shown: MaskedPicture) -> "PretrainedPrior":
        """The same prior, its U-Net for inpainting told a mask and what stays."""
        same = copy(self)
        same._shown = shown
        return same

    def of_frames(self, frames: FrameNumbers) -> "PretrainedPrior":
        """The same prior for some frames of the clip that controls and masks are of."""
        same = self.following([one.of_frames(frames) for one in self.controls])
        if self._shown is not None:
            same._shown = self._shown.of_frames(frames)
        return same

    def seen(
        self, latents: Float[Tensor, "b c y x"], frames: FrameNumbers | None = None
    ) -> Float[Tensor, "b d y x"]:
        """What the U-Net sees: the latents, and if it is for inpainting the mask and what stays.

        Args:
            latents: noised, in the type that the models compute in.
            frames: as in `inputs`.

        Raises:
            InputError: it is for inpainting and was told no mask.
        """
        if not self.takes_mask:
            return latents
        if self._shown is None:
            raise InputError(
                "this checkpoint's U-Net is for inpainting and needs a mask: use it with "
                "image/inpaint, image/outpaint or video/video_inpaint"
            )
        return self._shown.joined(latents, frames)

    def predict(self, latents: Images, timesteps: Timesteps, cond: PretrainedCond) -> Images:
        """The U-Net's prediction at each sample's timestep."""
        own = latents.to(cond.states.dtype)
        inputs = self.inputs(own, timesteps, self.spec.schedule.fraction(timesteps), cond)
        with ExitStack() as stack:
            stack.enter_context(attending(self.unet, cond.images))
            stack.enter_context(self.compute.evaluating(cond, latents, timesteps))
            made = self._network(self.seen(own), timesteps, **inputs.arguments(), return_dict=False)
        return made[0].to(latents.dtype)

    def inputs(
        self,
        latents: Images,
        timesteps: Timesteps,
        times: Float[Tensor, " b"],
        cond: PretrainedCond,
        frames: FrameNumbers | None = None,
    ) -> UNetInputs:
        """What the U-Net is told of each sample, features of ControlNets included.

        Args:
            latents: noised, in the type that the models compute in.
            timesteps: of the samples.
            times: the same as diffusion times in [0, 1].
            cond: the prompts.
            frames: the clip's frames that samples are of, one after the other, where each may have
                a picture of its own to follow; None: these are in the pictures' own order.
        """
        controls = self.controls
        if frames is not None:
            controls = tuple(one.of_frames(frames) for one in controls)
        told = None
        if cond.pooled is not None and cond.time_ids is not None:
            told = {"text_embeds": cond.pooled, "time_ids": cond.time_ids}
        added = control_features(controls, latents, timesteps, times, cond.states, told)
        return UNetInputs(cond.states, cond.mask, None, told, added.down, added.middle)

    def encode(self, pictures: Images) -> Float[Tensor, "b z y x"]:
        """RGB pictures in [-1, 1] to latents: the mean of the autoencoder's distribution."""
        return self._coder.encode(pictures)

    def decode(self, latents: Float[Tensor, "b z y x"]) -> Images:
        """Latents to RGB pictures, not clamped."""
        return self._coder.decode(latents)
