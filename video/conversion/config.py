"""The keys of the app that converts motion modules."""

from pathlib import Path
from typing import Literal

from common.runs.config import RunConfig

Layout = Literal["original", "diffusers"]


class MotionConversionConfig(RunConfig):
    """A motion module from one layout into another, without loss."""

    app: Literal["motion_conversion"] = "motion_conversion"
    input: Path
    """A file in AnimateDiff's or HotshotXL's layout (.safetensors, .ckpt, .pth), also of a whole
    U-Net with its motion module; or a folder of diffusers' MotionAdapter."""
    to: Layout | None = None
    """original: a .safetensors file in the layout of its family; diffusers: a folder that
    MotionAdapter.from_pretrained reads; null: the one that the input is not."""
