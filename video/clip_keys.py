"""What every method of the video app is told."""

from pydantic import Field, model_validator

from common.config import Config
from common.generation.view_config import ViewConfig
from common.media.fitting import Fit
from video.motion_config import MotionModuleConfig
from video.timeline.config import Timeline
from video.trajectory_keys import TrajectoryKey, check_keys
from video.windows_config import FreeInit, WindowsConfig


class ClipKeys(Config):
    """Length and size of the clip, and what moves it."""

    name: str
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

    windows: WindowsConfig | None = None
    """Windows in which clips are drawn that are longer than those of the prior's training, or that
    are loops; null draws all frames at once."""
    free_init: FreeInit | None = None
    """Draw the clip several times for steadier motion (pretrained priors); null draws it once."""

    timeline: Timeline | None = None
    """What changes from frame to frame: prompts, guidance, strengths of models, where things are;
    null changes nothing."""

    @model_validator(mode="after")
    def _timeline_is_in_the_clip(self) -> "ClipKeys":
        if self.timeline is not None:
            self.timeline.check_frames(self.num_frames)
        return self

    @model_validator(mode="after")
    def _key_frames_are_in_the_clip(self) -> "ClipKeys":
        controls = self.motion.sparse_controls if self.motion is not None else ()
        late = [key.frame for one in controls for key in one.key_frames
                if key.frame >= self.num_frames]  # fmt: skip
        if late:
            raise ValueError(
                f"key frame {late[0]} of motion.sparse_controls is none of the clip's "
                f"{self.num_frames} frames: they are 0 to {self.num_frames - 1}"
            )
        return self

    @property
    def size(self) -> tuple[int, int, int]:
        """Frames, height and width."""
        return self.num_frames, self.height, self.width


class MovingKeys(ClipKeys):
    """Where the thing goes, if the prompt is not to tell it."""

    trajectory: tuple[TrajectoryKey, ...] = ()
    """Where the thing is in later frames, for the embedded prior; empty leaves it to the prompt."""

    @model_validator(mode="after")
    def _keys_are_in_the_clip(self) -> "MovingKeys":
        check_keys(self.trajectory, self.num_frames)
        return self


class GivenKeys(ClipKeys):
    """How given pictures are brought to the clip's size."""

    fit: Fit = "contain"
    """How what has another shape is brought to this size: contain (room around it), cover (cut at
    two sides) or stretch."""
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour behind transparent pixels, for priors that draw no transparency."""
