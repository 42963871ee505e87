"""Training the embedded upscaler: pairs of patches, losses, evaluation and preview."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.embedded.upscaler import Upscaler, UpscalerArchitecture, doubled
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import stream_seed
from common.shapes import Images, Picture
from common.training.autoencoder.autoencoder_trainer import (
    held_out_stills,
    reconstruct,
    to_unit_range,
)
from common.training.autoencoder.reconstruction_loss import gradient_loss, reconstruction_loss
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_split import autoencoder_keys, load_split
from common.training.emoji.emoji_stills import load_stills
from common.training.initial_weights import initial_weights, on_device
from common.training.kit.clip_parts import INSTANCE_CLIPS, TRAIN_CLIPS
from common.training.kit.kit_clips import load_kit_clips
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.picture_pools import WeightedPool
from common.training.pictures.picture_sources import EmojiStillSource, kit_clip_pool, open_pools
from common.training.training import Package
from common.training.upscaler.last_layer import fit_last_layer
from common.training.upscaler.upscaling_pairs import (
    REDUCTIONS,
    Reduction,
    RoundTrips,
    draw_pairs,
    reduced,
    round_trips,
)
from common.upscaling.upscaled import upscaled
from common.zoo.models import ZOO, load_autoencoder

_NUM_PREVIEWED = 6
_NUM_FITTED = 100
"""Batches of pairs that the last layer is fitted to."""
_STILLS_PX = 256


class TrainUpscaler(Config):
    """The upscaler: pictures to twice their sides."""

    name: Literal["upscaler"] = "upscaler"
    architecture: UpscalerArchitecture = UpscalerArchitecture()
    """Sizes of the model."""
    models_dir: Path | None = None
    """Folder of the autoencoder whose reconstructions it learns to upscale; null is the zoo."""
    patch_px: int = Field(96, ge=16, le=128, multiple_of=4)
    """Side of the large patches."""
    kit_share: float = Field(0.25, ge=0, lt=1)
    """Share of the patches that show kit objects, in frames of 128 px; the others are emoji of
    256 px."""
    autoencoder_share: float = Field(0.35, ge=0, lt=1)
    """Share of the small patches, all of emoji, that went through the autoencoder."""
    bicubic_share: float = Field(0.3, ge=0, le=1)
    """Share of the others that are made smaller by a bicubic filter; the rest is averaged."""
    gradient_weight: float = Field(0.5, ge=0)
    """Of the loss of differences between neighbouring pixels."""
    loop: LoopConfig = LoopConfig(
        num_steps=6000, batch_size=16, ema_decay=0.999,
        learning_rate=LearningRate(peak=1e-3, warmup_steps=100),
    )  # fmt: skip
    """How long and in which steps to train."""


@dataclass(frozen=True)
class HeldOut:
    """Pictures to measure on, and what they are upscaled from, by name."""

    large: Images
    small: Float[Tensor, "b c y x"]


class UpscalerTraining:
    """The losses and figures of an upscaler.

    State: the model in training, the mapped training pictures, and the held-out pairs by name.
    """

    def __init__(
        self,
        config: TrainUpscaler,
        pools: tuple[WeightedPool, ...],
        encoded: RoundTrips | None,
        held_out: Mapping[str, HeldOut],
        seed: int,
        device: str,
    ):
        self._config, self._seed, self._device = config, seed, device
        self._pools, self._encoded, self._held_out = pools, encoded, held_out
        with initial_weights(seed, "upscaler"):
            self._model = on_device(Upscaler(config.architecture), device)
            # Untrained it is bicubic interpolation, brought into range and to edges alike.
            self._bicubic = Upscaler(UpscalerArchitecture(channels=4, num_blocks=1)).to(device)

    @property
    def model(self) -> Upscaler:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Error of the pixels and of their differences."""
        config = self._config
        small, wanted = self.pairs(draw, "training")
        made = forward(small.contiguous(memory_format=torch.channels_last))
        pixel, edge = reconstruction_loss(made, wanted), gradient_loss(made, wanted)
        return {"loss": pixel + config.gradient_weight * edge, "pixel": pixel, "edge": edge}

    def pairs(self, draw: int, purpose: str) -> tuple[Tensor, Images]:
        """Small and large patches of batch ``draw``."""
        config = self._config
        return draw_pairs(
            self._pools, self._encoded, (config.loop.batch_size, config.patch_px),
            (config.autoencoder_share, config.bicubic_share),
            (
                stream_seed(self._seed, draw, f"{purpose} patches"),
                stream_seed(self._seed, draw, f"{purpose} changes"),
            ),
            self._device,
        )  # fmt: skip

    def preview(self, model: Upscaler) -> Picture:
        """The middle of held-out pictures: bicubic, upscaled, true."""
        shown = []
        for pair in self._held_out.values():
            step = max(len(pair.large) // _NUM_PREVIEWED, 1)
            for small, large in zip(pair.small[::step], pair.large[::step], strict=True):
                shown_px = slice(small.shape[1] // 4, 3 * small.shape[1] // 4)
                part = small[None, :, shown_px, shown_px]
                wide = slice(2 * shown_px.start, 2 * shown_px.stop)
                made = doubled(part)[0], upscaled(model, part, 2)[0], large[:, wide, wide]
                shown += [to_picture(one) for one in made]
        return picture_sheet(shown, num_columns=6)

    def evaluate(self, model: Upscaler) -> dict[str, float]:
        """PSNR in dB, and by how much that is more than bicubic interpolation has."""
        figures = {}
        for name, pair in self._held_out.items():
            made = torch.cat([upscaled(model, one[None], 2) for one in pair.small])
            plain = torch.cat([upscaled(self._bicubic, one[None], 2) for one in pair.small])
            figures[f"psnr/{name}"] = mean_psnr(made, pair.large)
            figures[f"gain/{name}"] = figures[f"psnr/{name}"] - mean_psnr(plain, pair.large)
        return figures

    def package(self, model: Upscaler) -> Package:
        """The upscaler with its last layer fitted; it stands on nothing, pictures are pictures."""
        fit_last_layer(model, (self.pairs(draw, "last layer") for draw in range(_NUM_FITTED)))
        return Package("upscaler", model, self._config.architecture, {})


def mean_psnr(made: Images, wanted: Images) -> float:
    """PSNR in dB over the premultiplied colours and alpha in [0, 1], the mean over pictures."""
    mse = (((made - wanted) / 2).double() ** 2).mean((1, 2, 3))
    return float((-10 * mse.log10()).mean())


def open_upscaler_training(
    config: TrainUpscaler, cache: Path, seed: int, device: str
) -> UpscalerTraining:
    """Map the pictures, send some through the autoencoder, and build the model.

    Raises:
        InputError: pictures are not prepared.
    """
    autoencoder = load_autoencoder(config.models_dir or ZOO, device).model
    stills = open_pools((EmojiStillSource(weight=1 - config.kit_share),), cache, _STILLS_PX)
    encoded, kit = None, []
    if config.autoencoder_share:
        every = load_stills(cache, _STILLS_PX)
        rows = every.rows(autoencoder_keys(load_concepts(), load_split()))
        encoded = round_trips(autoencoder, np.asarray(every.pixels[rows]), device)
    held_out = {
        f"emoji_{how}": HeldOut(large, small.to(device))
        for large in [held_out_stills(cache, _STILLS_PX).to(device)]
        for how in REDUCTIONS
        for small in [_small(large, how, autoencoder)]
    }
    if config.kit_share:
        shots = kit_clip_pool(load_kit_clips(cache, TRAIN_CLIPS))
        kit = [WeightedPool(shots, config.kit_share)]
        firsts = [np.asarray(one.frames(0)[0]) for one in load_kit_clips(cache, INSTANCE_CLIPS)]
        large = to_unit_range(np.stack(firsts), device) * 2 - 1
        held_out["kit_area"] = HeldOut(large, _small(large, "area", autoencoder))
    return UpscalerTraining(config, (*stills, *kit), encoded, held_out, seed, device)


def _small(large: Images, how: Reduction, autoencoder: Any) -> Float[Tensor, "b c y x"]:
    """As files have them: within range and of 256 levels."""
    if how == "autoencoder":
        small = reconstruct(autoencoder, reduced(large, "area"))
    else:
        small = reduced(large, how)
    return ((small.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1
