"""Training the spacetime DiT on clips and pictures by flow matching."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from common.config import Config
from common.embedded.autoencoder import DOWNSAMPLING
from common.embedded.clip_coding import ClipCoding
from common.embedded.frame_coding import FrameCoding
from common.embedded.shared_noise import mixed_noise, one_more
from common.embedded.tokenizer import load_tokenizer
from common.errors import InputError
from common.seeding import generators_for, randn, stream_seed
from common.shapes import Clips, Picture, Timesteps
from common.training.frames.frame_batch import FrameBatch, all_moved, some_frames
from common.training.initial_weights import initial_weights
from common.training.kit.clip_parts import NUM_FRAMES
from common.training.loop_config import LearningRate, LoopConfig
from common.training.training import Package
from common.zoo.models import ZOO, Loaded, load_autoencoder, load_text_encoder
from common.zoo.storage import read_manifest
from video.causal_autoencoder.coding import CausalCoding
from video.causal_autoencoder.groups import num_groups
from video.causal_autoencoder.load import (
    CAUSAL_AUTOENCODER,
    causal_sizes,
    check_causal_autoencoder,
    load_causal_autoencoder,
)
from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.model import Known, SpacetimeDiT
from video.spacetime_dit.prior import SpacetimeDiTPrior, embedded_text, flow_schedule
from video.training.clip_and_still_source import prepared_source
from video.training.clip_sheet import clip_sheet
from video.training.flow_times import FlowTimes, draw_flow_timesteps
from video.training.known_frames import KnownFrames, draw_known

_MEASURED_AT_ONCE = 8


class TrainSpacetimeDiT(Config):
    """The spacetime DiT: noised latents, what is known of them, and a prompt to a velocity."""

    name: Literal["spacetime_dit"] = "spacetime_dit"
    architecture: SpacetimeDiTArchitecture = SpacetimeDiTArchitecture()
    """Sizes of the model."""
    models_dir: Path | None = None
    """Folder of the autoencoder and the text encoder that it stands on, and of the causal
    autoencoder for `architecture.coding=causal`; null is the zoo."""
    size_px: Literal[64, 128] = 128
    """Side of the frames behind the latents; 64 makes a step four times as cheap."""
    times: FlowTimes = FlowTimes()
    """Which noise levels are visited."""
    frames_at_once: int = Field(16, ge=1, le=NUM_FRAMES)
    """Frames of a clip that a training sample has, the first and others at random, at their own
    times. Fewer make a step cheaper; the last steps should see all 16."""
    picture_share: float = Field(0.2, ge=0, le=1)
    """Share of the batches that are pictures, as many as the clips of a batch have frames."""
    still_share: float = Field(0.5, ge=0, le=1)
    """Share of the pictures that are emoji stills; the others are first frames of clips."""
    kit_share: float = Field(0.7, ge=0, le=1)
    """Share of the clips that show kit objects; the others are animated emoji."""
    known: KnownFrames = KnownFrames()
    """What is given of the clips."""
    text_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the samples that are shown without a prompt."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the prompts that are Chinese."""
    loop: LoopConfig = LoopConfig(
        num_steps=60_000, batch_size=8, ema_decay=0.999,
        learning_rate=LearningRate(peak=1e-3, warmup_steps=300),
    )  # fmt: skip
    """How long and in which steps to train."""

    @model_validator(mode="after")
    def _frames_fit(self) -> "TrainSpacetimeDiT":
        frames, patch = self.frames_at_once, self.architecture.patch.frames
        if self.architecture.max_frames > NUM_FRAMES:
            raise ValueError(
                f"architecture.max_frames is {self.architecture.max_frames}, and the clips of "
                f"training have {NUM_FRAMES} frames: what is longer would not be learnt"
            )
        if self.architecture.coding == "causal" and frames not in (1, NUM_FRAMES):
            raise ValueError(
                f"frames_at_once {frames} takes frames that are apart, and a code holds "
                f"neighbours; use {NUM_FRAMES} or 1, or architecture.coding=frames"
            )
        if patch > 1 and frames not in (1, NUM_FRAMES):
            raise ValueError(
                f"frames_at_once {frames} takes frames that are apart, and a patch of {patch} "
                f"frames holds neighbours; use {NUM_FRAMES}, or architecture.patch.frames=1"
            )
        return self


@runtime_checkable
class Source(Protocol):
    """Where clips and pictures come from."""

    def draw(self, count: int, rng: np.random.Generator) -> FrameBatch:
        """Clips at random."""
        ...

    def pictures(self, count: int, rng: np.random.Generator) -> FrameBatch:
        """Pictures at random, as clips of one frame."""
        ...

    def held_out(self) -> FrameBatch:
        """Clips that are never trained on, always the same ones."""
        ...


class SpacetimeDiTTraining:
    """The losses and figures of a spacetime DiT.

    State: the model in training, the frozen models it stands on, and its samples.
    """

    def __init__(
        self,
        config: TrainSpacetimeDiT,
        source: Source,
        models: Mapping[str, Loaded],
        seed: int,
        device: str,
    ):
        self._config, self._source, self._models = config, source, models
        self._seed, self._device = seed, device
        self._schedule = flow_schedule(config.architecture)
        self._coding = _coding_of(config, models)
        held_out = source.held_out()
        self._num_frames = held_out.latents.shape[2]
        self._held_out = self._coded(held_out)
        with initial_weights(seed, config.name):
            self._model = SpacetimeDiT(config.architecture).to(device)

    @property
    def model(self) -> Any:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Squared error of the velocity over the cells that are not given."""
        config = self._config
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training clips"))
        batch = self._drawn(rng)
        count = len(batch.prompts)
        bare = rng.random(count) < config.text_dropout
        prompts = ["" if one else text for one, text in zip(bare, batch.prompts, strict=True)]
        frames, height, width = batch.latents.shape[2:]
        mask = torch.from_numpy(draw_known(config.known, (count, frames, height, width), rng))
        generator = torch.Generator(self._device)
        generator.manual_seed(stream_seed(self._seed, draw, "diffusion noise"))
        times = draw_flow_timesteps(config.times, count, self._schedule, generator)
        clean = torch.from_numpy(batch.latents).to(self._device)
        drawn = torch.randn(one_more(clean.shape), generator=generator, device=self._device)
        noise = mixed_noise(drawn, config.architecture.shared_noise)
        errors = self._errors(forward, batch, prompts, clean, noise, times, mask.to(clean))
        return {"loss": errors.mean()}

    def _drawn(self, rng: np.random.Generator) -> FrameBatch:
        """The samples of a step: clips, or as many pictures as these have frames of latents."""
        config, count = self._config, self._config.loop.batch_size
        if config.frames_at_once == 1 or rng.random() < config.picture_share:
            together = self._coding.num_latent_frames(config.frames_at_once)
            return self._source.pictures(count * together, rng)
        batch = self._source.draw(count, rng)
        if config.frames_at_once < batch.latents.shape[2]:
            batch = some_frames(batch, config.frames_at_once, rng)
        return self._coded(batch)

    @torch.no_grad()
    def _coded(self, batch: FrameBatch) -> FrameBatch:
        """Samples as the model draws them; frames of codes are counted one by one."""
        if not isinstance(self._coding, CausalCoding):
            return batch
        with torch.autocast(self._device, enabled=False):
            codes = self._coding.coded(torch.from_numpy(batch.latents).to(self._device))
        times = np.arange(codes.shape[2], dtype=np.float32)
        return replace(
            batch, latents=codes.cpu().numpy(), times=np.tile(times, (len(codes), 1)),
            views=tuple(view and view[:1] * len(times) for view in batch.views),
        )  # fmt: skip

    def _errors(
        self,
        forward: Callable[..., Any],
        batch: FrameBatch,
        prompts: Sequence[str],
        clean: Clips,
        noise: Clips,
        timesteps: Timesteps,
        mask: Float[Tensor, "b 1 f h w"],
    ) -> Float[Tensor, " b"]:
        """Mean squared error of the velocity ``eps - x0`` where nothing is given."""
        latents = self._schedule.add_noise(clean, noise, timesteps).to(clean)
        device = torch.device(self._device)
        with torch.no_grad():
            encoder = self._models["text_encoder"].model
            text = embedded_text(encoder, load_tokenizer(), prompts, device)
        when = torch.from_numpy(batch.times).to(clean)
        made = forward(latents, timesteps, text, Known(clean, mask), when)
        free = 1 - mask
        errors = ((made.float() - (noise - clean)) ** 2).mean(1, keepdim=True) * free
        return errors.sum((1, 2, 3, 4)) / free.sum((1, 2, 3, 4))

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Clips of fixed prompts from noise, and of held-out clips from their first frames."""
        return clip_sheet(self._prior(model), self._held_out)

    def _prior(self, model: Any) -> SpacetimeDiTPrior:
        height, width = (side * DOWNSAMPLING for side in self._held_out.latents.shape[-2:])
        return SpacetimeDiTPrior(
            self._models["autoencoder"].model, self._models["text_encoder"].model, model,
            load_tokenizer(), (self._num_frames, height, width), coding=self._coding,
        )  # fmt: skip

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Errors of the velocity on held-out clips, at fixed noise and evenly spread timesteps.

        ``clips`` is with the prompt, ``no_prompt`` without: what the prompt is worth.
        ``first_given`` is with the first frame given, over the others. ``shuffled`` is of frames in
        a wrong order, which is no harder for a model that has not learnt how things move.
        """
        batch = self._held_out
        clean = torch.from_numpy(batch.latents).to(self._device)
        nothing = torch.zeros_like(clean[:, :1])
        first = nothing.clone()
        first[:, :, 0] = 1
        bare = ("",) * len(batch.prompts)
        return {
            "velocity_error/clips": self._error_of(model, clean, batch.prompts, nothing),
            "velocity_error/no_prompt": self._error_of(model, clean, bare, nothing),
            "velocity_error/first_given": self._error_of(model, clean, batch.prompts, first),
            "velocity_error/shuffled": self._error_of(
                model, clean[:, :, all_moved(clean.shape[2])], batch.prompts, nothing
            ),
        }  # fmt: skip

    def _error_of(self, model: Any, clean: Clips, prompts: Sequence[str], mask: Tensor) -> float:
        count = len(clean)
        generators = generators_for(0, range(count), "evaluation noise")
        drawn = randn(one_more(clean.shape[1:]), generators).to(clean)
        noise = mixed_noise(drawn, self._config.architecture.shared_noise)
        times = self._schedule.timesteps((torch.arange(count) * 0.618 + 0.5) % 1).to(clean)
        parts = []
        for start in range(0, count, _MEASURED_AT_ONCE):
            at = slice(start, start + _MEASURED_AT_ONCE)
            some = FrameBatch(
                self._held_out.latents[at], tuple(prompts[at]), self._held_out.views[at],
                self._held_out.times[at],
            )  # fmt: skip
            parts.append(
                self._errors(model, some, some.prompts, clean[at], noise[at], times[at], mask[at])
            )
        return float(torch.cat(parts).mean())

    def package(self, model: Any) -> Package:
        """The model and what it stands on."""
        requires = {kind: base.identity for kind, base in self._models.items()}
        trained = {"trained_px": self._config.size_px}
        sizes = self._config.architecture.model_copy(update=trained)
        return Package("spacetime_dit", model, sizes, requires)


def num_latent_frames(config: TrainSpacetimeDiT) -> int:
    """Frames of latents that a clip of a batch has; no weights are read.

    Raises:
        InputError: models that it stands on are missing, or do not belong together.
    """
    if config.architecture.coding == "frames":
        return config.frames_at_once
    folder = config.models_dir or ZOO
    manifest = check_causal_autoencoder(read_manifest(folder, "autoencoder").identity, folder)
    return num_groups(config.frames_at_once, causal_sizes(manifest).frames_per_code)


def _coding_of(config: TrainSpacetimeDiT, models: Mapping[str, Loaded]) -> ClipCoding:
    autoencoder = models["autoencoder"].model
    if config.architecture.coding == "frames":
        return FrameCoding(autoencoder)
    return CausalCoding(autoencoder, models[CAUSAL_AUTOENCODER].model)


def open_spacetime_training(
    config: TrainSpacetimeDiT, cache: Path, seed: int, device: str
) -> SpacetimeDiTTraining:
    """Load the frozen models, encode the clips (once) and build the model.

    Raises:
        InputError: models are missing, data is not prepared, or the architecture does not fit.
    """
    folder = config.models_dir or ZOO
    autoencoder, text = load_autoencoder(folder, device), load_text_encoder(folder, device)
    found = (autoencoder.model.architecture.latent_channels, text.model.architecture.channels)
    wanted = (config.architecture.latent_channels, config.architecture.text_channels)
    if config.architecture.trained_px is not None:
        raise InputError(
            "architecture.trained_px is what training says of itself, by size_px: leave it out"
        )
    if found != wanted:
        raise InputError(
            f"the frozen models have {found[0]} latent and {found[1]} text channels; "
            f"architecture.latent_channels and text_channels say {wanted[0]} and {wanted[1]}"
        )
    source = prepared_source(
        autoencoder, cache, device, config.kit_share,
        config.still_share if config.picture_share or config.frames_at_once == 1 else 0.0,
        config.chinese_share, config.size_px,
    )  # fmt: skip
    models = {"autoencoder": autoencoder, "text_encoder": text}
    if config.architecture.coding == "causal":
        models[CAUSAL_AUTOENCODER] = load_causal_autoencoder(autoencoder, folder, device)
    return SpacetimeDiTTraining(config, source, models, seed, device)
