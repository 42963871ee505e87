"""Training the frame layers that lift the frozen image U-Net, on clips or on views."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, assert_never

import numpy as np
import torch
from einops import repeat
from jaxtyping import Bool, Float
from pydantic import Field, model_validator
from torch import Tensor

from common.config import Config
from common.diffusion.frame_attention import FrameTransformerSizes
from common.diffusion.lifted_unet import FrameLayers, FrameLayersArchitecture, LiftedUNet
from common.diffusion.noise_schedule import per_sample
from common.embedded.autoencoder import DOWNSAMPLING
from common.embedded.clip_plan import NOTHING_KNOWN, ClipPlan
from common.embedded.frame_prior import FramePrior
from common.embedded.lifted_call import predict_v_of_frames, with_first
from common.embedded.prior import EmbeddedPrior, embedded_schedule
from common.embedded.shared_noise import mixed_noise
from common.embedded.tokenizer import load_tokenizer
from common.seeding import generators_for, randn, stream_seed
from common.shapes import Clips, Picture
from common.training.frames.clip_source import prepared_clip_source
from common.training.frames.frame_batch import (
    FrameBatch,
    FrameSource,
    all_moved,
    first_frame,
    some_frames,
)
from common.training.frames.frame_preview import preview_sheet
from common.training.frames.orbit_latents import orbit_latents
from common.training.frames.view_source import ViewSource
from common.training.initial_weights import initial_weights, on_device
from common.training.kit.orbit_parts import INSTANCE_ORBITS
from common.training.loop_config import LearningRate, LoopConfig
from common.training.noise_times import NoiseTimes, UniformTimes, draw_timesteps, v_weights
from common.training.training import Package
from common.zoo.models import (
    ZOO,
    Loaded,
    check_embedded_prior,
    load_clip_plan,
    load_frame_layers,
    load_prior_models,
)

TOLD = 263
"""Features that the U-Net and the frame layers hear of each frame: pooled text and view."""
_MODULATED = 96
_MEASURED_AT_ONCE = 8


class FrameTraining(Config):
    """What both kinds of frame layers have in their training."""

    models_dir: Path | None = None
    """Folder of the models that the layers stand on; null is the zoo."""
    text_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the samples that are shown without a prompt."""
    first_share: float = Field(0.2, ge=0, lt=1)
    """Share of the samples whose first frame is given."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the prompts that are Chinese."""
    times: NoiseTimes = UniformTimes()
    """Which noise levels are visited and how much they count."""
    loop: LoopConfig = LoopConfig(
        num_steps=3000, batch_size=8, ema_decay=0.998,
        learning_rate=LearningRate(peak=1e-3, warmup_steps=100),
    )  # fmt: skip
    """How long and in which steps to train."""

    @model_validator(mode="after")
    def _runs_as_it_is(self) -> "FrameTraining":
        if self.loop.compile:
            raise ValueError("loop.compile: frame layers are hooked into the U-Net; leave it false")
        return self


class TrainMotionLayers(FrameTraining):
    """The layers that make clips of pictures."""

    name: Literal["motion_layers"] = "motion_layers"
    architecture: FrameLayersArchitecture = FrameLayersArchitecture(
        transformer=FrameTransformerSizes(
            num_heads=4, norm_groups=16, feedforward_factor=2, told_places=True,
            condition_channels=_MODULATED,
        ),
        spans=("place_and_first", "everywhere", "everywhere"), max_frames=16,
        condition_channels=TOLD, first_alone=True, shared_noise=0.5,
    )  # fmt: skip
    """Sizes of the layers."""
    frames_at_once: int = Field(16, ge=2, le=16)
    """Frames of a clip that a training sample has, the first and others at random. Fewer make a
    step cheaper; the last steps should see all 16."""
    start: Literal["view_layers", "identity"] = "view_layers"
    """First weights: of the view layers beside the image U-Net, which know already how to draw one
    thing several times, or none. `init_from` comes before both."""
    first_share: float = Field(0.85, ge=0, lt=1)
    """Share of the samples whose first frame is given."""
    alone_share: float = Field(0.15, ge=0, lt=1)
    """Share of the steps that learn the first frame by itself."""
    kit_share: float = Field(0.7, ge=0, le=1)
    """Share of the clips that show kit objects; the others are animated emoji."""
    view_dropout: float = Field(0.5, ge=0, le=1)
    """Share of the clips that are shown without a view."""

    @model_validator(mode="after")
    def _three_dimensional_begins_new(self) -> "TrainMotionLayers":
        if self.architecture.convolution_frames and self.start != "identity":
            raise ValueError(
                "view layers have no convolutions over frames to begin with: use start: identity "
                "with architecture.convolution_frames"
            )
        return self


class TrainViewLayers(FrameTraining):
    """The layers that make consistent views of pictures."""

    name: Literal["view_layers"] = "view_layers"
    architecture: FrameLayersArchitecture = FrameLayersArchitecture(
        transformer=FrameTransformerSizes(
            num_heads=4, norm_groups=16, feedforward_factor=2, ordered=False, told_places=True,
            condition_channels=_MODULATED,
        ),
        spans=("place", "everywhere", "everywhere"), max_frames=8, condition_channels=TOLD,
    )  # fmt: skip
    """Sizes of the layers."""
    num_views: int = Field(4, ge=2, le=8)
    """Views that are drawn at once."""
    loop: LoopConfig = LoopConfig(
        num_steps=6000, batch_size=16, ema_decay=0.999,
        learning_rate=LearningRate(peak=1e-3, warmup_steps=100),
    )  # fmt: skip
    """How long and in which steps to train."""


class Noised(NamedTuple):
    """Samples on their way to being noised."""

    clean: Clips
    noise: Clips
    timesteps: Float[Tensor, " b"]
    given: Bool[Tensor, " b"]
    """Whose first frame is given."""


class FrameLayersTraining:
    """The losses and figures of frame layers.

    State: the layers in training, the frozen image prior they are put into, their samples, and what
    previews are begun with.
    """

    def __init__(
        self,
        config: TrainMotionLayers | TrainViewLayers,
        source: FrameSource,
        models: Mapping[str, Loaded],
        seed: int,
        device: str,
        plan: ClipPlan = NOTHING_KNOWN,
    ):
        self._config, self._source, self._models = config, source, models
        self._plan = plan
        self._seed, self._device = seed, device
        self._schedule = embedded_schedule()
        self._held_out = source.held_out()
        self._unet = models["image_unet"].model
        with initial_weights(seed, config.name):
            self._layers = on_device(FrameLayers(config.architecture, self._unet), device)

    @property
    def model(self) -> Any:
        """The layers in training."""
        return self._layers

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Weighted squared error of ``v`` over the frames that are not given."""
        config = self._config
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training frames"))
        batch, first_share = self._drawn(rng)
        count = len(batch.prompts)
        bare, given = (
            rng.random(count) < config.text_dropout,
            rng.random(count) < first_share,
        )
        prompts = ["" if one else text for one, text in zip(bare, batch.prompts, strict=True)]
        generator = torch.Generator(self._device)
        generator.manual_seed(stream_seed(self._seed, draw, "diffusion noise"))
        times = draw_timesteps(config.times, count, self._schedule, generator)
        clean = torch.from_numpy(batch.latents).to(self._device)
        shape = (*clean.shape[:2], clean.shape[2] + 1, *clean.shape[3:])
        drawn = torch.randn(shape, generator=generator, device=self._device)
        noise = mixed_noise(drawn, config.architecture.shared_noise)
        noised = Noised(clean, noise, times, torch.from_numpy(given).to(self._device))
        errors = self._v_errors(self._layers, batch, prompts, noised)
        weights = v_weights(config.times, times, self._schedule)
        return {"loss": (weights * errors).mean(), "plain": errors.mean()}

    def _drawn(self, rng: np.random.Generator) -> tuple[FrameBatch, float]:
        """The samples of a step, and the share of them whose first frame is given."""
        config, count = self._config, self._config.loop.batch_size
        if isinstance(config, TrainViewLayers):
            return self._source.draw(count, rng), config.first_share
        if rng.random() < config.alone_share:
            # as many frames as in other steps, each of another clip
            return first_frame(self._source.draw(count * config.frames_at_once, rng)), 0.0
        batch = self._source.draw(count, rng)
        if config.frames_at_once < batch.latents.shape[2]:
            batch = some_frames(batch, config.frames_at_once, rng)
        return batch, config.first_share

    def _v_errors(
        self,
        layers: FrameLayers,
        batch: FrameBatch,
        prompts: Sequence[str],
        noised: Noised,
        scale: float = 1.0,
    ) -> Float[Tensor, " b"]:
        """Mean squared error of ``v = alpha eps - sigma x0``, given first frames left out."""
        clean, given = noised.clean, noised.given
        alpha, sigma = self._schedule.alpha_sigma(noised.timesteps)
        target = per_sample(alpha, clean) * noised.noise - per_sample(sigma, clean) * clean
        latents = self._schedule.add_noise(clean, noised.noise, noised.timesteps)
        times = repeat(noised.timesteps, "b -> b f", f=clean.shape[2])
        with_it, times_with_it = with_first(latents, times, clean[:, :, 0])
        latents = torch.where(given[:, None, None, None, None], with_it, latents)
        times = torch.where(given[:, None], times_with_it, times)
        prior = self.prior(layers, batch)
        told = prior.embed(prompts, batch.views).rows
        when = torch.from_numpy(batch.times).to(clean)
        made = predict_v_of_frames(prior.lifted, latents, times, told, when, scale)
        errors = ((made.float() - target) ** 2).mean((1, 3, 4))
        counted = torch.ones_like(errors)
        counted[:, 0] = (~given).to(errors)
        return (errors * counted).sum(1) / counted.sum(1)

    def prior(self, layers: Any, like: FrameBatch) -> FramePrior:
        """The prior that the layers make of the image prior, for samples of this shape."""
        num_frames, *cells = like.latents.shape[2:]
        height, width = (side * DOWNSAMPLING for side in cells)
        pictures = EmbeddedPrior(
            self._models["autoencoder"].model, self._models["text_encoder"].model, self._unet,
            load_tokenizer(), (height, width),
        )  # fmt: skip
        return FramePrior(pictures, LiftedUNet(self._unet, layers), num_frames, self._plan)

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Samples for fixed prompts in both languages, a row each, with guidance."""
        prior = self.prior(model, self._held_out)
        return preview_sheet(prior, isinstance(self._config, TrainViewLayers))

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Errors in ``v`` on held-out samples, at fixed noise and evenly spread timesteps.

        ``frames`` is with the layers and ``alone`` of the U-Net frame by frame: what the layers
        are worth. ``first_given`` is with the layers when the first frame is seen. ``shuffled`` is
        with the layers when the frames come in a wrong order, which is no harder for layers that
        have not learnt how frames, or views, follow from each other.
        """
        clean = torch.from_numpy(self._held_out.latents).to(self._device)
        order = all_moved(clean.shape[2])
        return {
            "v_error/frames": self._error_of(model, clean),
            "v_error/first_given": self._error_of(model, clean, given=True),
            "v_error/alone": self._error_of(model, clean, 0.0),
            "v_error/shuffled": self._error_of(model, clean[:, :, order]),
        }

    def _error_of(
        self, layers: Any, clean: Clips, scale: float = 1.0, given: bool = False
    ) -> float:
        batch, count = self._held_out, len(clean)
        channels, frames, *cells = clean.shape[1:]
        drawn = randn(
            (channels, frames + 1, *cells), generators_for(0, range(count), "evaluation noise")
        )
        noise = mixed_noise(drawn, self._config.architecture.shared_noise)
        spread = torch.arange(count, device=self._device) * 7919 % 1000
        times = spread.float().clamp(max=self._schedule.max_timestep)
        firsts = torch.full((count,), given, device=self._device)
        parts = []
        for start in range(0, count, _MEASURED_AT_ONCE):
            at = slice(start, start + _MEASURED_AT_ONCE)
            some = replace(
                batch, latents=batch.latents[at], prompts=batch.prompts[at],
                views=batch.views[at], times=batch.times[at],
            )  # fmt: skip
            noised = Noised(clean[at], noise[at].to(clean), times[at], firsts[at])
            parts.append(self._v_errors(layers, some, some.prompts, noised, scale))
        return float(torch.cat(parts).mean())

    def package(self, model: Any) -> Package:
        """The layers and what they stand on."""
        requires = {kind: base.identity for kind, base in self._models.items()}
        return Package(self._config.name, model, self._config.architecture, requires)


def open_frame_training(
    config: TrainMotionLayers | TrainViewLayers, cache: Path, seed: int, device: str
) -> FrameLayersTraining:
    """Load the frozen models, encode the clips or the orbits (once) and build the layers.

    Raises:
        InputError: models are missing or data is not prepared.
    """
    folder = config.models_dir or ZOO
    check_embedded_prior(folder)
    models = load_prior_models(folder, device)
    on_device(models["image_unet"].model, device)
    autoencoder = models["autoencoder"]
    source: FrameSource
    plan = NOTHING_KNOWN
    match config:
        case TrainMotionLayers():
            source = prepared_clip_source(
                autoencoder, cache, device, config.kit_share, config.view_dropout,
                config.chinese_share,
            )  # fmt: skip
            plan = load_clip_plan(models["text_encoder"], folder, device)
        case TrainViewLayers():
            source = ViewSource(
                orbit_latents(autoencoder, cache, device),
                orbit_latents(autoencoder, cache, device, INSTANCE_ORBITS),
                config.num_views, config.chinese_share,
            )  # fmt: skip
        case _:
            assert_never(config)
    training = FrameLayersTraining(config, source, models, seed, device, plan)
    if isinstance(config, TrainMotionLayers) and config.start == "view_layers":
        views = load_frame_layers("view_layers", models, folder, device).model
        training.model.load_state_dict(views.state_dict())
    return training
