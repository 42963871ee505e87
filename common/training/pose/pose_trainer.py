"""Training the estimator of poses: samples, losses, figures and preview."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.control.estimated_pose import FoundPose, estimated_poses
from common.control.thing_pose import ThingJoints, thing_skeleton
from common.embedded.pose_estimator import PoseArchitecture, PoseEstimator
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import stream_seed
from common.shapes import Picture
from common.training.emoji.emoji_stills import load_stills
from common.training.initial_weights import initial_weights, on_device
from common.training.kit.kit_truths import INSTANCE_TRUTHS, SIZE_PX, TRAIN_TRUTHS, load_truths
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pose.pose_losses import heat_loss, presence_loss
from common.training.pose.pose_scores import TruePose, pose_scores, true_pose
from common.training.pose.pose_source import PoseSource, pose_source
from common.training.training import Package

_BATCH = 32
_PREVIEWED = 16
_EMOJI_STEP = 97
"""Emoji of previews are so many apart."""
_BEHIND = 0.35
"""Brightness of pictures under their skeletons."""


class TrainPoseEstimator(Config):
    """The estimator of poses, for pictures of things that are cut out."""

    name: Literal["pose_estimator"] = "pose_estimator"
    architecture: PoseArchitecture = PoseArchitecture()
    """Sizes of the model."""
    presence_weight: float = Field(1.0, ge=0)
    """Of the loss of which joints are there, beside that of where they are."""
    loop: LoopConfig = LoopConfig(
        num_steps=3000, batch_size=32, ema_decay=0.998,
        learning_rate=LearningRate(peak=2e-3, warmup_steps=100),
    )  # fmt: skip
    """How long and in which steps to train."""


class PoseTraining:
    """The losses and figures of a pose estimator.

    State: the model in training, kit pictures with their joints, and those that are held out.
    """

    def __init__(
        self,
        config: TrainPoseEstimator,
        source: PoseSource,
        held_out: PoseSource,
        others: Sequence[UInt8[np.ndarray, "h w 4"]],
        seed: int,
        device: str,
    ):
        self._config, self._source, self._held_out = config, source, held_out
        self._others, self._seed, self._device = tuple(others), seed, device
        with initial_weights(seed, "pose estimator"):
            self._model = on_device(PoseEstimator(config.architecture), device)

    @property
    def model(self) -> PoseEstimator:
        """The model in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Of where joints are, and of whether they are there."""
        config = self._config
        rng = np.random.default_rng(stream_seed(self._seed, draw, "pose pictures"))
        generator = torch.Generator()
        generator.manual_seed(stream_seed(self._seed, draw, "pose changes"))
        sample = self._source.draw(config.loop.batch_size, rng, generator)
        pictures = sample.pictures.to(self._device, memory_format=torch.channels_last)
        heat, presence = forward(pictures)
        there = sample.there.to(self._device)
        where = heat_loss(heat, sample.places.to(self._device), there)
        whether = presence_loss(presence, there)
        return {"loss": where + config.presence_weight * whether, "heat": where, "there": whether}

    def evaluate(self, model: Any) -> dict[str, float]:
        """Figures of `pose_scores` on all held-out pictures."""
        pictures, truths = true_poses(self._held_out)
        return pose_scores(found_poses(model, pictures), truths)

    def preview(self, model: Any) -> Picture:
        """Held-out pictures with estimated and true skeletons, and others with estimated ones."""
        rows = np.linspace(0, len(self._held_out) - 1, _PREVIEWED).round().astype(int)
        shown: list[Tensor] = []
        for row in rows:
            pixels, joints = self._held_out.row(int(row))
            image = picture_of(pixels)
            (found,) = found_poses(model, [image])
            shown += [_drawn(image, found.sure()), _drawn(image, joints)]
        for one in self._others:
            image = picture_of(one)
            shown.append(_drawn(image, found_poses(model, [image])[0].sure()))
        return picture_sheet([to_picture(one * 2 - 1) for one in shown], num_columns=8)

    def package(self, model: Any) -> Package:
        """The estimator; it stands on nothing, pictures are pictures."""
        return Package("pose_estimator", model, self._config.architecture, {})


def true_poses(source: PoseSource) -> tuple[list[Float[Tensor, "4 h w"]], list[TruePose]]:
    """All pictures of a source, premultiplied in [0, 1], and what is true of them."""
    pictures, truths = [], []
    for row in range(len(source)):
        pixels, joints = source.row(row)
        pictures.append(picture_of(pixels))
        truths.append(true_pose(pixels[..., 3] > 127, joints))
    return pictures, truths


def picture_of(pixels: UInt8[np.ndarray, "h w 4"]) -> Float[Tensor, "4 h w"]:
    """In [0, 1], channels first."""
    return rearrange(torch.from_numpy(pixels.copy()).float() / 255, "h w c -> c h w")


def found_poses(model: Any, pictures: Sequence[Float[Tensor, "4 _ _"]]) -> list[FoundPose]:
    """What the estimator tells of premultiplied pictures in [0, 1], some at a time."""
    found: list[FoundPose] = []
    for start in range(0, len(pictures), _BATCH):
        found += estimated_poses(model, pictures[start : start + _BATCH])
    return found


def _drawn(picture: Float[Tensor, "4 h w"], joints: ThingJoints) -> Float[Tensor, "4 h w"]:
    """A skeleton on a dimmed picture."""
    skeleton = thing_skeleton(joints, (picture.shape[1], picture.shape[2]))
    colours = torch.where(skeleton.sum(0) > 0, skeleton, picture[:3] * _BEHIND)
    return torch.cat([colours, torch.ones_like(colours[:1])])


def open_pose_training(
    config: TrainPoseEstimator, cache: Path, seed: int, device: str
) -> PoseTraining:
    """Map the pictures, find their joints and build the estimator.

    Raises:
        InputError: pictures are not prepared.
    """
    source = pose_source(load_truths(cache, TRAIN_TRUTHS))
    held_out = pose_source(load_truths(cache, INSTANCE_TRUTHS))
    emoji = np.asarray(load_stills(cache, SIZE_PX).pixels[::_EMOJI_STEP][:_PREVIEWED])
    return PoseTraining(config, source, held_out, list(emoji), seed, device)
