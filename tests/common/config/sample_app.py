"""A small app config that the config tests read into."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from common.config import BY_NAME, Config
from common.runs.apps import Apps
from common.runs.config import Prompt, RunConfig


class Euler(Config):
    """First order."""

    name: Literal["euler"] = "euler"
    num_steps: int = Field(20, ge=1, le=100)
    """Model evaluations."""


class DDIM(Config):
    """First order, with optional noise."""

    name: Literal["ddim"] = "ddim"
    eta: float = Field(0.0, ge=0)
    """Noise: 0 none, 1 as much as DDPM."""
    range: tuple[float, float] = (0.0, 1.0)
    """Where."""


class SampleConfig(RunConfig):
    """What the tests configure."""

    app: Literal["video"] = "video"
    prompt: Prompt
    """What to draw."""
    sampler: Annotated[Euler | DDIM, BY_NAME] = Euler()
    """How."""
    weights: tuple[float, ...] = (1.0, 2.0)
    mode: Literal["fast", "exact"] = "fast"
    low: float = 0.0
    high: float = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> "SampleConfig":
        if self.low > self.high:
            raise ValueError(f"low ({self.low:g}) must not exceed high ({self.high:g})")
        return self


class SampleApp:
    config = SampleConfig


APPS = Apps(("video", "image"), lambda name: SampleApp)  # type: ignore[arg-type, return-value]
