"""Reading what a ControlNet follows: a picture, a clip, or a folder of pictures; or keypoints."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from common.control.followed import Followed
from common.control.followed_config import FollowedConfig
from common.control.pose import Pose, read_poses, skeleton
from common.control.preprocess import preprocessed
from common.errors import InputError
from common.media.fitting import placed, placement
from common.media.images import read_picture
from common.media.pixels import from_picture
from common.media.sources import file_kind
from common.media.video_read import read_clip
from common.shapes import Picture

One = TypeVar("One")
Poses = Literal["keypoints", "estimated"]
"""Where poses come from: people of OpenPose's JSON, or a picture of a thing."""
_STILLS = ("png", "jpeg", "bmp", "tiff")


def read_followed(
    config: FollowedConfig, size: tuple[int, ...], poses: Poses = "keypoints"
) -> Followed:
    """What is followed at the size that is drawn.

    Args:
        config: where it is, and how much it counts.
        size: ``(h, w)`` of a picture, ``(f, h, w)`` of a clip or of several views.
        poses: what preprocessor pose reads.

    Raises:
        InputError: a file is missing or damaged, has fewer frames than are drawn, does not suit the
            preprocessor, or there is another number of weights than of frames.
    """
    *lengths, height, width = size
    num_frames = lengths[0] if lengths else 1
    if config.preprocessor == "pose" and poses == "keypoints":
        people = _poses(config.image, num_frames)
        pictures = [skeleton(pose, (height, width), config.fit) for pose in people]
    else:
        frames = _frames(config, num_frames)
        pictures = [_condition(config, picture, (height, width)) for picture in frames]
    weights = _weights(config, num_frames)
    count = max(len(pictures), len(weights))
    return Followed(
        torch.stack(pictures).expand(count, -1, -1, -1), weights.expand(count), config.interval
    )


def _frames(config: FollowedConfig, num_frames: int) -> Sequence[Picture]:
    """One picture for all frames, or one for each."""
    path = config.image
    if path.is_dir():
        found = [read_picture(one) for one in sorted(path.iterdir()) if one.is_file()]
        if not found:
            raise InputError(f"{path}: there is no picture in this folder")
        return _first_of(path, found, num_frames)
    if file_kind(path) in _STILLS:
        return [read_picture(path)]
    frames = list(read_clip(path, max_frames=num_frames).frames)
    return frames if len(frames) == 1 else _first_of(path, frames, num_frames)


def _poses(path: Path, num_frames: int) -> Sequence[Pose]:
    """One for all frames, or one for each."""
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: there is no JSON file with keypoints in this folder")
    found = [pose for file in files for pose in read_poses(file)]
    return found if len(found) == 1 else _first_of(path, found, num_frames)


def _first_of(path: Path, frames: Sequence[One], num_frames: int) -> Sequence[One]:
    if len(frames) < num_frames:
        raise InputError(
            f"{path} has {len(frames)} frames, and {num_frames} are drawn; give one picture for "
            f"all of them, or one for each"
        )
    return frames[:num_frames]


def _weights(config: FollowedConfig, num_frames: int) -> Float[Tensor, " f"]:
    each = config.weight if isinstance(config.weight, tuple) else (config.weight,)
    if len(each) not in (1, num_frames):
        raise InputError(
            f"{config.image}: {len(each)} weights are given for it, and {num_frames} frames are "
            "drawn; give one weight, or one for each frame"
        )
    return torch.tensor(each, dtype=torch.float32)


def _condition(
    config: FollowedConfig, picture: Picture, size: tuple[int, int]
) -> Float[Tensor, "3 y x"]:
    """A picture fitted, then preprocessed; transparency, and room beside it, is black."""
    image = from_picture(picture)
    place = placement(picture.shape[:2], size, config.fit)
    fitted = (placed(image, place, torch.full((len(image), *size), -1.0)) + 1) / 2
    try:
        return preprocessed(fitted, config.preprocessor)
    except InputError as refused:
        raise InputError(f"{config.image}: {refused}") from refused
