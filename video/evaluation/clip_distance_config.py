"""The keys of the app that measures how far two sets of clips are apart."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from common.runs.config import RunConfig
from video.metrics import Metric

ClipFormat = Literal["webp", "webm", "mp4", "gif"]

Places = Annotated[tuple[Path, ...], Field(min_length=1, max_length=10_000)]
"""Clips, folders of clips, or folders of runs, whose clips are in their ``samples``."""


class ClipDistanceConfig(RunConfig):
    """Holds a set of clips against another: how far they are apart, and the figures of both."""

    app: Literal["clip_distance"] = "clip_distance"
    real: Places
    """Clips that are held against: files, folders of clips, or run folders."""
    drawn: Places
    """Clips that are to be like them."""
    formats: tuple[ClipFormat, ...] = Field(("webp", "webm", "mp4", "gif"), min_length=1)
    """What is read in folders; of clips of one name in several formats, the first of these. WebP
    and WebM keep transparency, and sets are only compared that both have it, or neither."""
    num_frames: int = Field(16, ge=2, le=1000)
    """Frames of each clip, from its first on; shorter clips are refused."""
    fps: float | None = Field(None, gt=0, le=240)
    """Frames a second at which clips are read; null is their own rate, the same of all."""
    metrics: tuple[Metric, ...] = (
        "temporal_flickering", "smoothness", "flow_px", "judge_subject_consistency",
    )  # fmt: skip
    """Figures of single clips, whose means are told of both sets (`video/metrics.py`)."""
    num_resamples: int = Field(999, ge=199, le=100_000)
    """Resamples of the interval, and ways to deal the clips out to two sets for the floor."""
