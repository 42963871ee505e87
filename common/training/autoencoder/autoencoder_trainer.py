"""Training the embedded autoencoder: draws, losses, evaluation and preview."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import UInt8
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.embedded.autoencoder import DOWNSAMPLING, Autoencoder, AutoencoderArchitecture
from common.judging.alpha_box import alpha_box_psnr, worst_mean_psnr
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import stream_seed
from common.shapes import Images, Picture
from common.training.autoencoder.reconstruction_loss import (
    gradient_loss,
    kl_divergence,
    reconstruction_loss,
)
from common.training.emoji.emoji_split import load_split
from common.training.emoji.emoji_stills import load_stills
from common.training.initial_weights import initial_weights, on_device
from common.training.kit.kit_parts import INSTANCES
from common.training.kit.kit_pictures import load_kit
from common.training.loop_config import LoopConfig
from common.training.pictures.augmentation import Augmentation, augment
from common.training.pictures.picture_pools import WeightedPool, draw_pictures
from common.training.pictures.picture_sources import (
    EmojiClipSource,
    EmojiStillSource,
    KitSource,
    PictureSource,
    open_pools,
)
from common.training.training import Package

_NUM_PREVIEWED = 16
_NUM_MEASURED_BATCHES = 32
_NUM_MEASURED_OBJECTS = 1
"""Held-out objects of each kit category on which reconstruction is measured."""


class TrainAutoencoder(Config):
    """The autoencoder: pictures to latents and back."""

    name: Literal["autoencoder"] = "autoencoder"
    architecture: AutoencoderArchitecture = AutoencoderArchitecture()
    """Sizes of the model."""
    sources: tuple[PictureSource, ...] = Field(
        (EmojiStillSource(), EmojiClipSource(), KitSource()), min_length=1
    )
    """What it is trained on."""
    size_px: Literal[64, 128] = 128
    """Side of the training pictures."""
    gradient_weight: float = Field(0.5, ge=0)
    """Of the loss of differences between neighbouring pixels."""
    kl_weight: float = Field(1e-4, ge=0)
    """Of the divergence of the latents from a standard normal distribution."""
    half_size_weight: float = Field(0.25, ge=0)
    """Of decoding latents at half their size to pictures at half theirs: it keeps the latents
    smooth, which diffusion learns more easily (Skorokhodov et al. 2025, arXiv 2502.14831)."""
    loop: LoopConfig = LoopConfig()
    """How long and in which steps to train."""


class AutoencoderTraining:
    """The losses and figures of an autoencoder on pictures.

    State: the model in training, the mapped training pictures, and the held-out ones by set.
    """

    def __init__(
        self,
        config: TrainAutoencoder,
        pools: tuple[WeightedPool, ...],
        held_out: Mapping[str, Images],
        seed: int,
        device: str,
    ):
        self._config = config
        self._pools = pools
        self._held_out = {name: pictures.to(device) for name, pictures in held_out.items()}
        self._seed = seed
        self._device = device
        self._model = on_device(build_autoencoder(config.architecture, seed), device)

    @property
    def model(self) -> Autoencoder:
        """The model in training."""
        return self._model

    def pictures(self, draw: int) -> Images:
        """The augmented pictures of batch ``draw``, in [-1, 1]."""
        rng = np.random.default_rng(stream_seed(self._seed, draw, "training pictures"))
        pixels = draw_pictures(self._pools, self._config.loop.batch_size, rng)
        generator = torch.Generator(self._device)
        generator.manual_seed(stream_seed(self._seed, draw, "training augmentation"))
        raw = augment(to_unit_range(pixels, self._device), Augmentation(), generator)
        return (2 * raw - 1).contiguous(memory_format=torch.channels_last)

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Reconstruction, its edges, the divergence, and the same at half size."""
        config = self._config
        wanted = self.pictures(draw)
        generator = torch.Generator(self._device)
        generator.manual_seed(stream_seed(self._seed, draw, "posterior noise"))
        side = config.size_px // DOWNSAMPLING
        noise = torch.randn(
            (len(wanted), config.architecture.latent_channels, side, side),
            generator=generator, device=self._device,
        )  # fmt: skip
        made = forward(wanted, noise)
        pixel = reconstruction_loss(made.pictures, wanted)
        edge = gradient_loss(made.pictures, wanted)
        divergence = kl_divergence(made.moments)
        total = pixel + config.gradient_weight * edge + config.kl_weight * divergence
        found = {"pixel": pixel, "edge": edge, "kl": divergence}
        if config.half_size_weight:
            some = max(len(wanted) // 4, 1)
            small = self._model.decoder(F.avg_pool2d(made.latents[:some], 2))
            found["half_size"] = reconstruction_loss(small, F.avg_pool2d(wanted[:some], 2))
            total = total + config.half_size_weight * found["half_size"]
        return {"loss": total, **found}

    def preview(self, model: Autoencoder) -> Picture:
        """Held-out pictures beside their reconstructions, on light grey."""
        pairs = []
        for pictures in self._held_out.values():
            some = pictures[:: max(len(pictures) // _NUM_PREVIEWED, 1)][:_NUM_PREVIEWED]
            for wanted, made in zip(some, reconstruct(model, some), strict=True):
                pairs += [to_picture(wanted), to_picture(made)]
        return picture_sheet(pairs, num_columns=8)

    def evaluate(self, model: Autoencoder) -> dict[str, float]:
        """Alpha-box PSNR in dB on the worst of three backgrounds, for each held-out set."""
        return {
            f"psnr/{name}": worst_mean_psnr(alpha_box_psnr(reconstruct(model, pictures), pictures))
            for name, pictures in self._held_out.items()
        }

    def package(self, model: Autoencoder) -> Package:
        """The model with the statistics of its latents on training pictures."""
        measure_latents(
            model, torch.cat([self.pictures(draw) for draw in range(_NUM_MEASURED_BATCHES)])
        )
        return Package("autoencoder", model, self._config.architecture, {})


def build_autoencoder(architecture: AutoencoderArchitecture, seed: int) -> Autoencoder:
    """An untrained autoencoder whose weights depend on the seed alone."""
    with initial_weights(seed, "autoencoder"):
        return Autoencoder(architecture)


def to_unit_range(pixels: UInt8[np.ndarray, "b h w 4"], device: str) -> Images:
    """Premultiplied pixels as floats in [0, 1], ``b 4 h w``."""
    return rearrange(torch.tensor(pixels, device=device), "b h w c -> b c h w").float() / 255


def held_out_stills(cache: Path, size_px: int) -> Images:
    """The emoji stills that the autoencoder never sees, in [-1, 1]."""
    stills = load_stills(cache, size_px)
    rows = stills.rows(load_split().reconstruction)
    return to_unit_range(np.asarray(stills.pixels[rows]), "cpu") * 2 - 1


def held_out_kit(cache: Path, size_px: int) -> Images:
    """One view of each of the first held-out kit objects of every category, in [-1, 1].

    The views go round with the categories, so that all directions occur.
    """
    rows = [
        one.pixels[place * one.num_views + (index + place) % one.num_views]
        for index, one in enumerate(load_kit(cache, INSTANCES, size_px))
        for place in range(min(_NUM_MEASURED_OBJECTS, len(one.shots)))
    ]
    return to_unit_range(np.stack(rows), "cpu") * 2 - 1


@torch.no_grad()
def reconstruct(model: Autoencoder, pictures: Images, batch_size: int = 16) -> Images:
    """Pictures encoded to their latent means and decoded, in float32."""
    made = [model.decode(model.encode(some)) for some in pictures.split(batch_size)]
    return torch.cat(made)


@torch.no_grad()
def measure_latents(model: Autoencoder, pictures: Images, batch_size: int = 16) -> None:
    """Set the shift and scale that standardise the latents of ``pictures``, per channel."""
    means = torch.cat([model.moments(some).mean for some in pictures.split(batch_size)])
    flat = rearrange(means, "b c h w -> c (b h w)").double()
    model.latent_mean.copy_(flat.mean(1))
    model.latent_std.copy_(flat.std(1))


def open_training(
    config: TrainAutoencoder, cache: Path, seed: int, device: str
) -> AutoencoderTraining:
    """Map the pictures, with what is held out of each kind, and build the model."""
    pools = open_pools(config.sources, cache, config.size_px)
    held_out = {}
    if any(not isinstance(source, KitSource) for source in config.sources):
        held_out["emoji"] = held_out_stills(cache, config.size_px)
    if any(isinstance(source, KitSource) for source in config.sources):
        held_out["kit"] = held_out_kit(cache, config.size_px)
    return AutoencoderTraining(config, pools, held_out, seed, device)
