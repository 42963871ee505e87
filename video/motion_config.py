"""Settings of motion modules, which lift a checkpoint's U-Net to clips."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.config import Config

NormStatistics = Literal["original", "diffusers"]


class MotionLora(Config):
    """A motion LoRA (camera moves, for example), or AnimateDiff's domain adapter."""

    path: Path
    """A file in AnimateDiff's or diffusers' layout (.safetensors, .ckpt, .pth)."""
    scale: float = Field(1.0, ge=-10, le=10)
    """How much of the change is made; 0 leaves the weights as they are."""


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
    norms: NormStatistics = "original"
    """Over what group norms take their statistics: as the module was trained (each frame's; for v1
    all frames'), or as diffusers has them (all frames' in motion modules, each frame's elsewhere),
    which shows the same weights 4 to 27 % differently."""
