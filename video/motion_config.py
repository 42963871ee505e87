"""Settings of motion modules, which lift a checkpoint's U-Net to clips."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from common.media.fitting import Fit

NormStatistics = Literal["original", "diffusers"]


class MotionLora(Config):
    """A motion LoRA (camera moves, for example), or AnimateDiff's domain adapter."""

    path: Path
    """A file in AnimateDiff's or diffusers' layout (.safetensors, .ckpt, .pth)."""
    scale: float = Field(1.0, ge=-10, le=10)
    """How much of the change is made; 0 leaves the weights as they are."""


class ControlFrame(Config):
    """A picture that a frame of the clip is to show."""

    frame: int = Field(ge=0)
    """Which frame, counted from 0."""
    input: Path
    """The picture, or for a scribble encoder its lines, white on black."""


class SparseControlConfig(Config):
    """A SparseCtrl encoder (Guo et al. 2023) and the pictures that the clip is drawn through."""

    path: Path
    """A file in AnimateDiff's layout (.safetensors, .ckpt, .pth), or a folder of diffusers'
    SparseControlNetModel; rgb and scribble are told apart by their weights."""
    key_frames: tuple[ControlFrame, ...] = Field(min_length=1)
    """Pictures of any frames."""
    weight: float = Field(1.0, ge=-10, le=10)
    """How much of its features is added to the U-Net's."""
    interval: tuple[float, float] = (0.0, 1.0)
    """It acts only at these diffusion times, 0 clean to 1 noise."""
    fit: Fit = "cover"
    """How pictures of another shape are brought to the clip's size."""

    @model_validator(mode="after")
    def _frames_differ(self) -> "SparseControlConfig":
        frames = [key.frame for key in self.key_frames]
        twice = [frame for frame in frames if frames.count(frame) > 1]
        if twice:
            raise ValueError(f"frame {twice[0]} is given twice in key_frames")
        low, high = self.interval
        if not 0 <= low < high <= 1:
            raise ValueError(f"interval must be 0 <= low < high <= 1, got [{low}, {high}]")
        return self


class MotionModuleConfig(Config):
    """A motion module of AnimateDiff (Guo et al. 2023) for a Stable Diffusion checkpoint."""

    path: Path
    """A file in AnimateDiff's layout (.safetensors, .ckpt, .pth), or a folder of diffusers'
    MotionAdapter."""
    scale: float = Field(1.0, ge=0, le=4)
    """How strongly frames influence each other; 0 draws unrelated pictures."""
    loras: tuple[MotionLora, ...] = ()
    """Motion LoRAs, whose changes add up."""
    domain_adapter: MotionLora | None = None
    """The adapter that version 3 was trained with, for the look of its training clips."""
    sparse_controls: tuple[SparseControlConfig, ...] = Field((), max_length=8)
    """SparseCtrl encoders, whose features add up."""
    norms: NormStatistics = "original"
    """Over what group norms take their statistics: as the module was trained (each frame's; for v1
    all frames'), or as diffusers has them (all frames' in motion modules, each frame's elsewhere),
    which shows the same weights 4 to 27 % differently."""
