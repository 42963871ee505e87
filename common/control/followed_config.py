"""Settings of what is followed, the same for ControlNets of every prior."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from common.config import Config
from common.control.preprocess import Preprocessor
from common.media.fitting import Fit

Weight = Annotated[float, Field(ge=-10, le=10)]


class FollowedConfig(Config):
    """The picture, or the clip, that a ControlNet follows."""

    image: Path
    """What it follows: a picture for all frames or views; a clip (MP4, WebM, MKV, GIF, WebP) whose
    first frames they follow one by one; or a folder of pictures, one for each, by name. For
    checkpoints preprocessor pose takes a JSON file of keypoints, or a folder of them."""
    preprocessor: Preprocessor = "none"
    """What is made of it first: none takes it as it is; canny and soft_edge find its edges;
    silhouette is white where it is not transparent; depth and normals are estimated of a thing that
    is cut out; pose draws skeletons: of such a thing for the embedded prior, of people in
    OpenPose's keypoints for ControlNets of checkpoints."""
    weight: Weight | tuple[Weight, ...] = 1.0
    """How much of the ControlNet's features is added to the U-Net's, for all frames or views, or of
    each; 0 is no control."""
    interval: tuple[float, float] = (0.0, 1.0)
    """It acts only at these diffusion times, 0 clean to 1 noise."""
    fit: Fit = "cover"
    """How a picture of another shape is brought to the size that is drawn."""

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> "FollowedConfig":
        low, high = self.interval
        if not 0 <= low < high <= 1:
            raise ValueError(f"interval must be 0 <= low < high <= 1, got [{low}, {high}]")
        return self
