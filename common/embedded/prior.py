"""The embedded prior: autoencoder, text encoder and image U-Net behind the one seam."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from common.adapters.frame_loras import FrameLoras
from common.adapters.learnt_words import NO_WORDS, LearntWords
from common.adapters.word_file import Encoder
from common.control.features import NO_FEATURES, Features
from common.diffusion.compiled import compiled
from common.diffusion.compute_config import FeatureCacheConfig
from common.diffusion.computing import AS_IT_IS, Computing
from common.diffusion.feature_cache import reusing_features
from common.diffusion.image_attention import attending
from common.diffusion.noise_schedule import NoiseSchedule, build_noise_schedule
from common.diffusion.prior import PriorSpec
from common.diffusion.reuse import WHOLE
from common.diffusion.schedule_config import CosineSchedule
from common.embedded.autoencoder import DOWNSAMPLING, IMAGE_CHANNELS, Autoencoder
from common.embedded.classifying import Classes, Classifying, class_log_probability
from common.embedded.controls import EmbeddedControl, control_features
from common.embedded.image_prompt import Seen, ShownPictures
from common.embedded.image_unet import View, view_features
from common.embedded.text_encoder import TextEncoder, token_batch
from common.embedded.tokenizer import Tokenizer
from common.errors import InputError
from common.shapes import Images, Timesteps

if TYPE_CHECKING:
    from common.embedded.prompt_fit import PromptFit

MIN_SIDE_PX, MAX_SIDE_PX = 64, 256


@dataclass(frozen=True)
class EmbeddedCond:
    """What the U-Net is told of each sample."""

    states: Float[Tensor, "b l d"]
    """Token states."""
    mask: Bool[Tensor, "b l"]
    """Where there are tokens."""
    vector: Float[Tensor, "b k"]
    """Pooled text of unit mean square, and view features."""
    seen: Seen | None = None
    """What it is told of pictures, if there are any."""
    classes: Classes | None = None
    """What the prompts name, where a classifier is at hand."""


class EmbeddedPrior:
    """A prior of small models that predict ``v`` on a cosine schedule.

    State: the three models, on one device, the latent shape they are used at, what is followed, the
    pictures that go with every prompt, learnt words, what a U-Net of few steps is told, how it
    computes, what chooses among its pictures, and what classifies its noised latents.
    """

    def __init__(
        self,
        autoencoder: Autoencoder,
        text_encoder: TextEncoder,
        unet: Any,
        tokenizer: Tokenizer,
        size: tuple[int, int],
        controls: Sequence[EmbeddedControl] = (),
    ):
        check_size(size)
        height, width = size
        self.autoencoder, self.text_encoder, self.unet = autoencoder, text_encoder, unet
        self._tokenizer = tokenizer
        self.controls = tuple(controls)
        self.loras: FrameLoras | None = None
        self._shown: ShownPictures | None = None
        self._words = NO_WORDS
        self._direction: Float[Tensor, "1 k"] | None = None
        self.compute = AS_IT_IS
        self._network = unet
        self.prompt_fit: PromptFit | None = None
        self.classifying: Classifying | None = None
        channels = autoencoder.architecture.latent_channels
        self._spec = PriorSpec(
            (channels, height // DOWNSAMPLING, width // DOWNSAMPLING),
            IMAGE_CHANNELS,
            embedded_schedule(),
            "v",
        )

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def device(self) -> torch.device:
        """Where the models are."""
        return self.autoencoder.latent_mean.device

    @torch.no_grad()
    def embed(
        self, prompts: Sequence[str], views: Sequence[View | None] | None = None
    ) -> EmbeddedCond:
        """Conditioning for prompts in English or Chinese, each with a view or none."""
        return self.told(prompts, views)

    def told(
        self, prompts: Sequence[str], views: Sequence[View | None] | None = None
    ) -> EmbeddedCond:
        """`embed`, with gradients of whatever in the text encoder has them."""
        if views is not None and len(views) != len(prompts):
            raise InputError(f"{len(prompts)} prompts and {len(views)} views: give each its own")
        tokens, mask = token_batch(self._tokenizer, prompts, self.device, self._words)
        with self._words.applied(self.text_encoder.embedding, tokens) as known:
            text = self.text_encoder(known, mask)
        features = view_features(views or [None] * len(prompts)).to(text.pooled)
        # Components of unit size, like those of the views: only its direction was trained.
        pooled = F.normalize(text.pooled, dim=1) * text.pooled.shape[1] ** 0.5
        cond = EmbeddedCond(text.states, text.mask, torch.cat([pooled, features], 1))
        if self.classifying is not None:
            cond = replace(cond, classes=self.classifying.classes(prompts))
        if self._shown is None:
            return cond
        return replace(cond, seen=self._shown.seen(prompts, cond.vector))

    def embed_negative(self, prompts: Sequence[str]) -> EmbeddedCond:
        """Conditioning that guidance moves away from: of the prompts alone, without pictures."""
        return replace(self.embed(prompts), seen=None)

    def shown(self, pictures: ShownPictures) -> "EmbeddedPrior":
        """The same prior, told of pictures beside its prompts."""
        same = copy(self)
        same._shown = pictures
        return same

    def taught(self, words: Mapping[Encoder, LearntWords]) -> "EmbeddedPrior":
        """The same prior with learnt words in its text encoder."""
        same = copy(self)
        same._words = words["text_encoder"]
        return same

    def in_few_steps(self, direction: Float[Tensor, "1 k"]) -> "EmbeddedPrior":
        """The same prior, its U-Net told in how many steps it is to lead to the end."""
        same = copy(self)
        same._direction = direction
        return same

    def computing(
        self, feature_cache: FeatureCacheConfig | None, compiles: bool, bfloat16: bool
    ) -> "EmbeddedPrior":
        """The same prior, its U-Net computing otherwise: features reused, compiled, in bfloat16.

        Raises:
            InputError: the U-Net has too few levels, or nothing to compile with is there.
        """
        same = copy(self)
        reuse = WHOLE
        if feature_cache is not None:
            reuse = reusing_features(self.unet, feature_cache.every, feature_cache.levels)
        same.compute = Computing(reuse, bfloat16)
        if compiles:
            same._network = compiled(self.unet, str(self.device))
        return same

    def choosing_by(self, fit: "PromptFit") -> "EmbeddedPrior":
        """The same prior with what tells how well its pictures fit a prompt."""
        same = copy(self)
        same.prompt_fit = fit
        return same

    def classified_by(self, classifying: Classifying) -> "EmbeddedPrior":
        """The same prior with a classifier of its noised latents, for guidance."""
        same = copy(self)
        same.classifying = classifying
        return same

    def class_log_probability(
        self, latents: Images, timesteps: Timesteps, cond: EmbeddedCond
    ) -> Float[Tensor, " b"]:
        """``log p(y | z_t)`` of what each prompt names.

        Raises:
            InputError: no classifier is at hand, or a prompt names none of its classes.
        """
        return class_log_probability(
            self.classifying, self.spec.schedule, latents, timesteps, cond.classes
        )

    def following(
        self, controls: Sequence[EmbeddedControl], loras: FrameLoras | None = None
    ) -> "EmbeddedPrior":
        """The same prior with other pictures that it follows, and LoRAs of its one frame."""
        same = copy(self)
        same.controls, same.loras = tuple(controls), loras
        return same

    def predict(self, latents: Images, timesteps: Timesteps, cond: EmbeddedCond) -> Images:
        """The U-Net's ``v`` at each sample's timestep."""
        times = self.spec.schedule.fraction(timesteps)
        added = control_features(self.controls, latents, timesteps, times, cond.vector)
        told = cond if self._direction is None else with_direction(cond, self._direction)
        with ExitStack() as stack:
            stack.enter_context(self.compute.evaluating(cond, latents, timesteps))
            if self.loras is not None:
                stack.enter_context(self.loras.acting(len(latents)))
            return predict_v(self._network, latents, timesteps, told, added)

    def encode(self, pictures: Images) -> Float[Tensor, "b z y x"]:
        """Premultiplied RGBA pictures in [-1, 1] to latents."""
        return self.autoencoder.encode(pictures)

    def decode(self, latents: Float[Tensor, "b z y x"]) -> Images:
        """Latents to premultiplied RGBA pictures, not clamped."""
        return self.autoencoder.decode(latents)


def with_direction(cond: EmbeddedCond, direction: Float[Tensor, "_ k"]) -> EmbeddedCond:
    """Conditioning with a direction added to its vectors: of each sample, or one for all."""
    seen = cond.seen
    if seen is not None:
        seen = replace(seen, vector=seen.vector + direction)
    return replace(cond, vector=cond.vector + direction, seen=seen)


def check_size(size: tuple[int, int]) -> None:
    """Refuse pictures ``(height, width)`` that the embedded prior cannot draw.

    Raises:
        InputError: a side is below 64 or above 256 pixels, or no multiple of 8.
    """
    fitting = [_nearest_side(side) for side in size]
    if fitting != list(size):
        height, width = size
        raise InputError(
            f"the embedded prior draws pictures with sides of {MIN_SIDE_PX} to {MAX_SIDE_PX} "
            f"pixels that divide by {DOWNSAMPLING}, not {height} x {width}; the nearest are "
            f"{fitting[0]} x {fitting[1]}"
        )


def _nearest_side(side: int) -> int:
    return min(max(round(side / DOWNSAMPLING) * DOWNSAMPLING, MIN_SIDE_PX), MAX_SIDE_PX)


def embedded_schedule() -> NoiseSchedule:
    """The schedule that the image U-Net is trained on."""
    return build_noise_schedule(CosineSchedule())


def predict_v(
    unet: Any,
    latents: Images,
    timesteps: Timesteps,
    cond: EmbeddedCond,
    added: Features = NO_FEATURES,
) -> Images:
    """Call a U-Net of diffusers with both ways of conditioning, and features of ControlNets."""
    seen = cond.seen
    with attending(unet, () if seen is None else (seen.images,)):
        made = unet(
            latents,
            timesteps,
            encoder_hidden_states=cond.states,
            encoder_attention_mask=cond.mask,
            class_labels=cond.vector if seen is None else seen.vector,
            down_block_additional_residuals=added.down,
            mid_block_additional_residual=added.middle,
            return_dict=False,
        )
    return made[0].to(latents.dtype)
