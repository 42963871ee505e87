"""The keys of the evaluate_video app."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from common.config import BY_NAME, Config
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.evaluation.config import EvaluateClips, ScoringConfig

SHORT_FRAMES = 16
"""Of the clips that long ones are held against, and of windows."""

LongWay = Literal["segments", "uniform", "straight", "repeated"]
"""How a long clip is drawn: ``segments`` one after the other, or all at once in ``uniform`` or
``straight`` windows, or in uniform ones with noise that repeats (FreeNoise)."""


class EvaluateLongClips(Config):
    """Long clips, held against clips of 16 frames for the same prompts, and at windows' borders."""

    name: Literal["long_clips"] = "long_clips"
    ways: tuple[LongWay, ...] = Field(("segments", "uniform"), min_length=1, max_length=4)
    """How they are drawn; windows are of the embedded prior alone."""
    num_frames: int = Field(64, ge=32, le=1000)
    """Length of the long clips."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the frames."""


class EvaluateTalkingFace(Config):
    """Held-out kit faces that say held-out speech: their mouths against its viseme track."""

    name: Literal["talking_face"] = "talking_face"
    num_clips: int = Field(10, ge=1, le=19)
    """Each of another face and sentence."""
    num_frames: int = Field(16, ge=8, le=16)
    """Length of the clips."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the frames."""
    cache_dir: Path | None = None
    """Where `prepare/speech` has put the speech; null is $XDG_CACHE_HOME/extrude or
    ~/.cache/extrude."""


class EvaluateCameraPath(Config):
    """Clips along a camera's path, of things whose views can be told: azimuths against the path."""

    name: Literal["camera_path"] = "camera_path"
    num_frames: int = Field(16, ge=4, le=16)
    """Length of the clips."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the frames."""
    turn_deg: float = Field(120.0, ge=10, le=180)
    """How far the camera goes round from the front, to the thing's left and right in turn."""
    elevation_deg: float = Field(15.0, ge=-10, le=35)
    """How high above the thing it is."""


Method = Annotated[
    EvaluateClips | EvaluateLongClips | EvaluateTalkingFace | EvaluateCameraPath, BY_NAME
]
"""What is evaluated, chosen by its ``name``."""

ClipPriorConfig = Annotated[SpacetimeDiTPriorConfig | EmbeddedPriorConfig, BY_NAME]
"""The priors whose clips can be evaluated."""


class EvaluateVideoConfig(ScoringConfig):
    """Draws clips for the committed prompts as the video app does, and scores them."""

    app: Literal["evaluate_video"] = "evaluate_video"
    prior: ClipPriorConfig = SpacetimeDiTPriorConfig()
    """The model that is evaluated."""
    method: Method = EvaluateClips()
    """What is drawn, and how it is scored."""
