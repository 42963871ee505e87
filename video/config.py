"""The keys of the video app."""

from typing import Annotated, Literal

from pydantic import Field

from common.config import BY_NAME, Config
from common.generation.config import GenerationConfig
from video.audio_to_video import AudioToVideo
from video.image_to_video import ImageToVideo
from video.long_video import LongVideo
from video.metrics import Metric
from video.text_to_video import TextToVideo
from video.video_to_video import VideoInpaint, VideoToVideo

Method = Annotated[
    TextToVideo | ImageToVideo | VideoToVideo | VideoInpaint | LongVideo | AudioToVideo, BY_NAME
]
"""What the video app can do, chosen by its ``name``."""

Format = Literal["mp4", "webp", "gif", "webm", "png"]


class VideoExport(Config):
    """Which files are written."""

    formats: tuple[Format, ...] = Field(("mp4",), min_length=1, max_length=5)
    """mp4 (H.264, plays everywhere); webp, webm and png (a folder) keep transparency; gif."""
    fps: float = Field(8.0, gt=0, le=240)
    """Frames drawn for a second."""
    target_fps: float | None = Field(None, gt=0, le=240)
    """Frames shown in a second: those between drawn ones are made along their motion, and drawn
    ones stay as they are; null shows what was drawn."""
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour behind transparent pixels, where the format has no transparency."""
    upscale: Literal[1, 2, 4] = 1
    """How many times larger than they are drawn the frames become, by the embedded upscaler."""

    @property
    def shown_fps(self) -> float:
        """Frames a second of the files."""
        return self.fps if self.target_fps is None else self.target_fps


class VideoConfig(GenerationConfig):
    """Makes clips."""

    app: Literal["video"] = "video"
    method: Method = TextToVideo()
    """What to do."""
    export: VideoExport = VideoExport()
    """Which files to write."""
    metrics: tuple[Metric, ...] = ()
    """Figures of the finished clips for the report and comparisons: temporal_flickering,
    smoothness, warp_error, flow_px (the dynamic degree), seam (`video/metrics.py`); by the judge
    judge_subject_consistency, judge_background_consistency (of opaque clips) and
    judge_text_alignment (`video/judged_metrics.py`)."""
