"""Training the causal autoencoder on the latents of clips, with the frozen one under it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.embedded.autoencoder import DOWNSAMPLING
from common.embedded.frame_coding import decoded_frames
from common.errors import InputError
from common.generation.estimate import FEATURES_PER_PIXEL
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import stream_seed
from common.shapes import Clips, Picture
from common.training.autoencoder.reconstruction_loss import gradient_loss, reconstruction_loss
from common.training.frames.clip_latents import SIZE_PX
from common.training.initial_weights import initial_weights, on_device
from common.training.kit.clip_parts import NUM_FRAMES
from common.training.loop_config import LearningRate, LoopConfig
from common.training.training import Package
from common.zoo.models import ZOO, Loaded, load_autoencoder
from video.causal_autoencoder.architecture import CausalAutoencoderArchitecture
from video.causal_autoencoder.interpolated import kept, mixed
from video.causal_autoencoder.memory import training_bytes
from video.causal_autoencoder.model import CausalAutoencoder
from video.training.coded_clips import ClipLatents, Px, prepared_coded_clips

_CROP_CELLS = 8
_MEASURED_AT_ONCE = 16
_NUM_SHOWN = 3
_SHOWN = slice(0, 16, 2)


class TrainCausalAutoencoder(Config):
    """The causal autoencoder: per-frame latents of clips to fewer frames of code, and back."""

    name: Literal["causal_autoencoder"] = "causal_autoencoder"
    architecture: CausalAutoencoderArchitecture = CausalAutoencoderArchitecture()
    """Sizes of the model."""
    models_dir: Path | None = None
    """Folder of the autoencoder that it stands on; null is the zoo."""
    kit_share: float = Field(0.6, ge=0, le=1)
    """Share of the clips that show kit objects; the others are animated emoji."""
    half_share: float = Field(0.25, ge=0, lt=1)
    """Share of the steps whose clips have 64 pixels a side, four times as many; the others have
    128."""
    code_noise: float = Field(0.05, ge=0, le=1)
    """Deviation of the noise on codes before they are decoded: what draws codes is never exact."""
    correction_weight: float = Field(0.01, ge=0)
    """Of the loss that keeps codes near the frames that they correct."""
    pixel_weight: float = Field(1.0, ge=0)
    """Of the loss of decoded pixels; 0 leaves them out."""
    pixel_crops: int = Field(4, ge=1, le=256)
    """Places of 64 x 64 pixels that are decoded in a step, each of one frame."""
    loop: LoopConfig = LoopConfig(
        num_steps=6000, batch_size=8, ema_decay=0.99,
        learning_rate=LearningRate(peak=2e-3, warmup_steps=50),
    )  # fmt: skip
    """How long and in which steps to train."""


@runtime_checkable
class Source(Protocol):
    """Where clips come from."""

    @property
    def measured(self) -> Mapping[str, ClipLatents]:
        """Clips that are never trained on, by name."""
        ...

    def draw(self, size_px: Px, count: int, rng: np.random.Generator) -> ClipLatents:
        """Clips at random."""
        ...


class CausalAutoencoderTraining:
    """The losses and figures of a causal autoencoder.

    State: the model in training, the frozen autoencoder it stands on, and its clips.
    """

    def __init__(
        self,
        config: TrainCausalAutoencoder,
        source: Source,
        autoencoder: Loaded,
        seed: int,
        device: str,
    ):
        self._config, self._source, self._autoencoder = config, source, autoencoder
        self._seed, self._device = seed, device
        with initial_weights(seed, config.name):
            self._model = on_device(CausalAutoencoder(config.architecture), device)

    @property
    def model(self) -> Any:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Squared errors of latents and of corrections, and what some of the pixels lack."""
        config = self._config
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training clips"))
        halved = rng.random() < config.half_share
        count = config.loop.batch_size * (4 if halved else 1)
        clean = torch.from_numpy(self._source.draw(64 if halved else 128, count, rng))
        clean = clean.to(self._device)
        plain = kept(clean, config.architecture.frames_per_code)
        generator = torch.Generator(self._device)
        generator.manual_seed(stream_seed(self._seed, draw, "code noise"))
        noise = torch.randn(plain.shape, generator=generator, device=self._device)
        made = forward(clean, config.code_noise * noise)
        found = {
            "latents": (made.latents.float() - clean)[:, :, 1:].square().mean(),
            "correction": (made.codes - plain)[:, :, 1:].square().mean(),
        }
        total = found["latents"] + config.correction_weight * found["correction"]
        if config.pixel_weight:
            found["pixels"] = self._pixel_loss(made.latents, clean, rng)
            total = total + config.pixel_weight * found["pixels"]
        return {"loss": total, **found}

    def _pixel_loss(self, made: Clips, clean: Clips, rng: np.random.Generator) -> Float[Tensor, ""]:
        """Of crops of frames, decoded, to the same crops of the clean latents, decoded."""
        decoder = self._autoencoder.model
        some, wanted = _same_crops((made, clean), self._config.pixel_crops, rng)
        with torch.no_grad():
            wanted = decoder.decode(wanted)
        shown = decoder.decode(some)
        return reconstruction_loss(shown, wanted) + gradient_loss(shown, wanted)

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Held-out clips decoded: every second frame of each, and under it after its code."""
        pictures = []
        for latents in self._source.measured.values():
            rows = torch.from_numpy(latents[:: max(len(latents) // _NUM_SHOWN, 1)][:_NUM_SHOWN])
            rows = rows.to(self._device)
            for pair in zip(rows, model(rows).latents, strict=True):
                shown = torch.stack(pair)[:, :, _SHOWN]
                for clip in decoded_frames(self._autoencoder.model, shown):
                    pictures += [
                        to_picture(frame) for frame in rearrange(clip, "c f h w -> f c h w")
                    ]
        return picture_sheet(pictures, num_columns=_SHOWN.stop // _SHOWN.step, cell_px=64)

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Mean squared errors of the latents of held-out clips, after the first frame.

        ``interpolated`` is the same without learning: every r-th frame, and mixtures between.
        """
        figures: dict[str, float] = {}
        size = self._config.architecture.frames_per_code
        for name, latents in self._source.measured.items():
            found = {"error": 0.0, "interpolated": 0.0}
            for rows in torch.from_numpy(latents).split(_MEASURED_AT_ONCE):
                clean = rows.to(self._device)
                plain = mixed(kept(clean, size), size, clean.shape[2])
                for key, made in (("error", model(clean).latents), ("interpolated", plain)):
                    errors = (made - clean)[:, :, 1:].square().mean()
                    found[key] += float(errors) * len(rows) / len(latents)
            figures |= {f"{key}/{name}": value for key, value in found.items()}
        return figures

    def package(self, model: Any) -> Package:
        """The model and what it stands on."""
        requires = {"autoencoder": self._autoencoder.identity}
        return Package("causal_autoencoder", model, self._config.architecture, requires)


def _same_crops(
    clips: tuple[Clips, Clips], count: int, rng: np.random.Generator
) -> tuple[Float[Tensor, "n z y x"], Float[Tensor, "n z y x"]]:
    """The same places of both clips: frames after the first, of `_CROP_CELLS` a side at most."""
    batch, _, frames, height, width = clips[0].shape
    rows, columns = min(height, _CROP_CELLS), min(width, _CROP_CELLS)
    found: tuple[list[Tensor], list[Tensor]] = ([], [])
    for _ in range(count):
        clip, frame = int(rng.integers(batch)), int(rng.integers(1, frames))
        top, left = (int(rng.integers(side + 1)) for side in (height - rows, width - columns))
        for parts, one in zip(found, clips, strict=True):
            parts.append(one[clip, :, frame, top : top + rows, left : left + columns])
    return torch.stack(found[0]), torch.stack(found[1])


def causal_training_bytes(config: TrainCausalAutoencoder) -> int:
    """What a training takes beside the libraries: the model, and the pixels that are decoded."""
    side = SIZE_PX // DOWNSAMPLING
    cells = (NUM_FRAMES, side, side)
    decoded = config.pixel_crops * (_CROP_CELLS * DOWNSAMPLING) ** 2 * bool(config.pixel_weight)
    return training_bytes(
        config.architecture, cells, config.loop.batch_size
    ) + 2 * 4 * FEATURES_PER_PIXEL * decoded  # fmt: skip


def open_causal_training(
    config: TrainCausalAutoencoder, cache: Path, seed: int, device: str
) -> CausalAutoencoderTraining:
    """Load the frozen autoencoder, encode the clips (once) and build the model.

    Raises:
        InputError: models are missing, data is not prepared, or the architecture does not fit.
    """
    autoencoder = load_autoencoder(config.models_dir or ZOO, device)
    found = autoencoder.model.architecture.latent_channels
    if found != config.architecture.latent_channels:
        raise InputError(
            f"the frozen autoencoder has {found} latent channels; "
            f"architecture.latent_channels says {config.architecture.latent_channels}"
        )
    source = prepared_coded_clips(
        autoencoder, cache, device, config.kit_share, config.half_share > 0
    )
    return CausalAutoencoderTraining(config, source, autoencoder, seed, device)
