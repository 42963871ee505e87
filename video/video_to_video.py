"""Video to video: a given clip drawn again, all of it or within a mask."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from video.clip_keys import GivenKeys


class FromClip(GivenKeys):
    """A given clip, and the part of it that is read."""

    input: Path
    """The clip: MP4, WebM, MKV, GIF or WebP. Its frames are taken at `export.fps`."""
    start_s: float = Field(0.0, ge=0, le=86_400)
    """Where in the clip to begin, seconds."""


class VideoToVideo(FromClip):
    """A clip from a clip and a prompt."""

    name: Literal["video_to_video"] = "video_to_video"
    strength: float = Field(0.6, gt=0, le=1)
    """Share of the sampler's steps that are taken, rounded down: 1 keeps nothing of the clip but
    how its thing moves (with `prior.trajectory_noise` null, not even that)."""


class VideoInpaint(FromClip):
    """A clip whose masked part is drawn anew; the rest stays to the byte."""

    name: Literal["video_inpaint"] = "video_inpaint"
    mask: Path
    """A picture for all frames, or a clip of as many frames: white where the clip is drawn anew.
    Its brightness counts, or its opacity where it is transparent anywhere."""
    strength: float = Field(1.0, gt=0, le=1)
    """Share of the sampler's steps that are taken, rounded down: 1 keeps nothing under the mask."""
    feather_px: int = Field(6, ge=0, le=256)
    """Pixels inside the mask over which the new part fades in, of the clip that is drawn."""
