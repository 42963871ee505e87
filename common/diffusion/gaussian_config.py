"""Settings of the closed-form prior."""

from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from common.diffusion.prediction_type import PredictionType
from common.diffusion.schedule_config import CosineSchedule, Schedule


class GaussianPriorConfig(Config):
    """Little coloured characters on transparent ground, as a mixture of Gaussians: no weights."""

    name: Literal["gaussian"] = "gaussian"
    num_variants: int = Field(default=2, ge=1, le=16)
    """Versions of each scene, with other sizes and places. Memory grows with it."""
    variation: float = Field(default=0.03, gt=0, le=1)
    """Standard deviation of a sample about its scene; values run from -1 to 1."""
    smoothness: float = Field(default=4.0, ge=0, le=8)
    """Power by which the variation falls with spatial and temporal frequency; 0 is white noise."""
    schedule: Schedule = CosineSchedule()
    """How noise is added. The cosine schedule ends in almost pure noise and suits every sampler."""
    prediction: PredictionType = "v"
    """What the prior predicts; every kind gives the same samples."""

    @model_validator(mode="after")
    def _eps_says_something(self) -> "GaussianPriorConfig":
        schedule = self.schedule
        if self.prediction == "eps" and getattr(schedule, "zero_terminal_snr", False):
            raise ValueError(
                "an eps prediction says nothing at zero terminal SNR: use prediction v or x0"
            )
        return self
