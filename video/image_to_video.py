"""Image to video: a clip that begins with a given picture, and passes through others."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from video.clip_keys import GivenKeys, MovingKeys


class KeyFrame(Config):
    """A picture that a frame of the clip shows."""

    frame: int = Field(ge=1)
    """Which frame, counted from 0; the first is `input`."""
    input: Path
    """The picture."""


class ImageToVideo(GivenKeys, MovingKeys):
    """A clip from a picture and a prompt.

    The embedded prior takes the first frame as a condition, as its layers were trained. Other given
    frames, and all of them with other priors, are put in place at every step.
    """

    name: Literal["image_to_video"] = "image_to_video"
    input: Path
    """Picture of the first frame: PNG, JPEG, WebP, BMP, TIFF or GIF."""
    key_frames: tuple[KeyFrame, ...] = ()
    """Pictures of later frames."""
    strength: float = Field(1.0, gt=0, le=1)
    """Share of the sampler's steps that are taken, rounded down, frames between the given ones
    beginning as mixtures of these; 1 begins with noise alone. Less than 1 ties a checkpoint's
    motion module, which has not learnt to continue a picture, to it."""

    @model_validator(mode="after")
    def _frames_are_in_the_clip(self) -> "ImageToVideo":
        frames = [key.frame for key in self.key_frames]
        late = [frame for frame in frames if frame >= self.num_frames]
        if late:
            raise ValueError(
                f"key frame {late[0]} is none of the clip's {self.num_frames} frames: they are "
                f"0 to {self.num_frames - 1}"
            )
        twice = [frame for frame in frames if frames.count(frame) > 1]
        if twice:
            raise ValueError(f"frame {twice[0]} is given twice in key_frames")
        moves = self.timeline is not None and self.timeline.moves
        if (self.trajectory or moves) and (self.key_frames or self.strength < 1):
            raise ValueError(
                "trajectory and moves of timeline move the first frame; they go with neither "
                "key_frames nor strength below 1"
            )
        if self.num_frames < 2:
            raise ValueError("num_frames is 1: the picture itself would be the clip; use 2 or more")
        return self
