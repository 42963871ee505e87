"""Text to video: the size, length and speed of the clip."""

from typing import Literal

from pydantic import Field

from common.config import Config
from common.generation.view_config import ViewConfig
from video.motion_config import MotionModuleConfig


class TextToVideo(Config):
    """A clip for a prompt."""

    name: Literal["text_to_video"] = "text_to_video"
    num_frames: int = Field(16, ge=1, le=10_000)
    """Length."""
    height: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels."""
    width: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels."""
    motion: MotionModuleConfig | None = None
    """The motion module that makes clips of a pretrained prior's pictures; null for other priors,
    which draw clips by themselves."""
    view: ViewConfig | None = None
    """From where it is seen, for priors that know views (embedded); null leaves it to the prior."""

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, height and width."""
        return self.num_frames, self.height, self.width
