"""Settings of ControlNets."""

from pathlib import Path

from pydantic import Field, model_validator

from common.config import Config
from common.media.fitting import Fit


class ControlConfig(Config):
    """A ControlNet (Zhang et al. 2023) and the picture that it follows."""

    path: Path
    """The ControlNet's folder in diffusers' format: config.json and its safetensors."""
    image: Path
    """What it follows: edges, a depth map, a skeleton, whatever it was trained on."""
    weight: float = Field(1.0, ge=-10, le=10)
    """How much of its features is added to the U-Net's; 0 is no control."""
    interval: tuple[float, float] = (0.0, 1.0)
    """It acts only at these diffusion times, 0 clean to 1 noise."""
    fit: Fit = "cover"
    """How a picture of another shape is brought to the size that is drawn."""
    variant: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]+$")
    """Which weights of the folder, such as fp16."""

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> "ControlConfig":
        low, high = self.interval
        if not 0 <= low < high <= 1:
            raise ValueError(f"interval must be 0 <= low < high <= 1, got [{low}, {high}]")
        return self
