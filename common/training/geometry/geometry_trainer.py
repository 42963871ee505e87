"""Training the estimator of depth and normals: samples, losses, figures and preview."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import UInt8
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.control.estimated_maps import GeometryMaps, estimated_maps
from common.embedded.geometry_estimator import GeometryArchitecture, GeometryEstimator
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import stream_seed
from common.shapes import Picture
from common.training.emoji.emoji_stills import load_stills
from common.training.geometry.geometry_losses import depth_loss, normal_loss, slope_loss
from common.training.geometry.geometry_scores import TruePicture, geometry_scores
from common.training.geometry.geometry_source import GeometrySource, geometry_source
from common.training.initial_weights import initial_weights, on_device
from common.training.kit.kit_truths import (
    DEPTH,
    INSTANCE_TRUTHS,
    NORMALS,
    SIZE_PX,
    TRAIN_TRUTHS,
    load_truths,
)
from common.training.loop_config import LearningRate, LoopConfig
from common.training.training import Package

_NUM_MEASURED = 258
_BATCH = 32
_PREVIEWED = 6
_EMOJI_STEP = 211
"""Emoji of previews are so many apart."""


class TrainGeometryEstimator(Config):
    """The estimator of depth and normals, for pictures of things that are cut out."""

    name: Literal["geometry_estimator"] = "geometry_estimator"
    architecture: GeometryArchitecture = GeometryArchitecture()
    """Sizes of the model."""
    depth_weight: float = Field(2.0, ge=0)
    """Of the error of depth, beside the cosine loss of normals."""
    slope_weight: float = Field(2.0, ge=0)
    """Of the error of differences in depth."""
    loop: LoopConfig = LoopConfig(
        num_steps=3000, batch_size=24, ema_decay=0.998,
        learning_rate=LearningRate(peak=2e-3, warmup_steps=100),
    )  # fmt: skip
    """How long and in which steps to train."""


class GeometryTraining:
    """The losses and figures of a geometry estimator.

    State: the model in training, kit pictures with their truths, and those that are held out.
    """

    def __init__(
        self,
        config: TrainGeometryEstimator,
        source: GeometrySource,
        held_out: GeometrySource,
        others: Sequence[UInt8[np.ndarray, "h w 4"]],
        seed: int,
        device: str,
    ):
        self._config, self._source, self._held_out = config, source, held_out
        self._others, self._seed, self._device = tuple(others), seed, device
        with initial_weights(seed, "geometry estimator"):
            self._model = on_device(GeometryEstimator(config.architecture), device)

    @property
    def model(self) -> GeometryEstimator:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Errors of depth, of its differences, and of normals."""
        config = self._config
        rng = np.random.default_rng(stream_seed(self._seed, draw, "geometry pictures"))
        generator = torch.Generator()
        generator.manual_seed(stream_seed(self._seed, draw, "geometry changes"))
        sample = self._source.draw(config.loop.batch_size, rng, generator)
        there = sample.there.to(self._device)
        pictures = sample.pictures.to(self._device, memory_format=torch.channels_last)
        nearness, normals = forward(pictures)
        true = sample.nearness.to(self._device)
        depth, slope = depth_loss(nearness, true, there), slope_loss(nearness, true, there)
        normal = normal_loss(normals, sample.normals.to(self._device), there)
        loss = config.depth_weight * depth + config.slope_weight * slope + normal
        return {"loss": loss, "depth": depth, "slope": slope, "normal": normal}

    def evaluate(self, model: Any) -> dict[str, float]:
        """Figures of `geometry_scores` on held-out objects."""
        truths = self.held_out_pictures(_NUM_MEASURED)
        return geometry_scores(made_maps(model, [one.picture for one in truths]), truths)

    def held_out_pictures(self, count: int) -> list[TruePicture]:
        """Held-out pictures with their maps, evenly spread."""
        last = len(self._held_out) - 1
        rows = np.linspace(0, last, min(count, last + 1)).round().astype(int)
        return [true_picture(*self._held_out.row(int(row))) for row in rows]

    def preview(self, model: Any) -> Picture:
        """Held-out pictures with estimated and true maps, and others with estimated maps."""
        truths = self.held_out_pictures(_PREVIEWED)
        shown: list[Tensor] = []
        for truth in truths:
            made = made_maps(model, [truth.picture])[0]
            shown += [truth.picture, *_solid(made), *_solid(truth.maps)]
        for one in self._others:
            picture = _picture(one)
            shown += [picture, *_solid(made_maps(model, [picture])[0])]
            shown += [torch.zeros_like(picture)] * 2
        return picture_sheet([to_picture(one * 2 - 1) for one in shown], num_columns=10)

    def package(self, model: Any) -> Package:
        """The estimator; it stands on nothing, pictures are pictures."""
        return Package("geometry_estimator", model, self._config.architecture, {})


def true_picture(
    pixels: UInt8[np.ndarray, "h w 4"], truth: UInt8[np.ndarray, "h w 5"]
) -> TruePicture:
    """A prepared picture with its maps."""
    maps = torch.from_numpy(truth.copy()).float() / 255
    normals = rearrange(maps[..., NORMALS], "h w c -> c h w")
    return TruePicture(_picture(pixels), GeometryMaps(maps[..., DEPTH], normals))


def _picture(pixels: UInt8[np.ndarray, "h w 4"]) -> Tensor:
    return rearrange(torch.from_numpy(pixels.copy()).float() / 255, "h w c -> c h w")


def _solid(maps: GeometryMaps) -> tuple[Tensor, Tensor]:
    alpha = torch.ones(1, *maps.depth.shape)
    return (
        torch.cat([repeat(maps.depth, "h w -> c h w", c=3), alpha]),
        torch.cat([maps.normals, alpha]),
    )


def made_maps(model: Any, pictures: Sequence[Tensor]) -> list[GeometryMaps]:
    """What the estimator tells of premultiplied pictures in [0, 1], some at a time."""
    found: list[GeometryMaps] = []
    for start in range(0, len(pictures), _BATCH):
        found += estimated_maps(model, pictures[start : start + _BATCH])
    return found


def open_geometry_training(
    config: TrainGeometryEstimator, cache: Path, seed: int, device: str
) -> GeometryTraining:
    """Map the pictures and build the estimator.

    Raises:
        InputError: pictures are not prepared.
    """
    source = geometry_source(load_truths(cache, TRAIN_TRUTHS))
    held_out = geometry_source(load_truths(cache, INSTANCE_TRUTHS))
    emoji = np.asarray(load_stills(cache, SIZE_PX).pixels[::_EMOJI_STEP][: 2 * _PREVIEWED])
    return GeometryTraining(config, source, held_out, list(emoji), seed, device)
