"""At which diffusion times a distillation asks the prior, from its first step to its last."""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from common.config import BY_NAME, Config

Time = Annotated[float, Field(gt=0, le=1)]


class TimeRange(Config):
    """The keys of every rule."""

    name: str
    min_time: Time = 0.02
    """Least noise that is asked about."""
    max_time: Time = 0.98
    """Most noise that is asked about."""

    @model_validator(mode="after")
    def _in_order(self) -> "TimeRange":
        if self.min_time > self.max_time:
            raise ValueError(f"min_time {self.min_time:g} is above max_time {self.max_time:g}")
        return self


class Uniform(TimeRange):
    """Drawn anew in each step, evenly (DreamFusion, SJC); late steps may leave out much noise."""

    name: Literal["uniform"] = "uniform"
    late_max_time: Time | None = None
    """Most noise of late steps (ProlificDreamer: 0.5); null: the same throughout."""
    late_from: float = Field(0.5, ge=0, le=1)
    """Share of the steps after which that holds."""

    @model_validator(mode="after")
    def _late_in_order(self) -> "Uniform":
        if self.late_max_time is not None and self.late_max_time < self.min_time:
            raise ValueError(
                f"late_max_time {self.late_max_time:g} is below min_time {self.min_time:g}"
            )
        return self

    def time(self, share: float, draw: float) -> float:
        """Time of a step at ``share`` of all, with ``draw`` evenly from [0, 1)."""
        late = self.late_max_time is not None and share >= self.late_from
        most = self.late_max_time if late and self.late_max_time is not None else self.max_time
        return self.min_time + (most - self.min_time) * draw


class Falling(TimeRange):
    """From the most noise to the least, the same in every run.

    ``max - (max - min) share^power``: 1 falls evenly (DreamGaussian), 0.5 quickly at first (HiFA).
    """

    name: Literal["falling"] = "falling"
    power: float = Field(1.0, gt=0, le=10)
    """How it falls."""
    jitter: float = Field(0.0, ge=0, le=1)
    """Times are drawn from so much of the range around that, within the range."""

    def time(self, share: float, draw: float) -> float:
        """Time of a step at ``share`` of all, with ``draw`` evenly from [0, 1)."""
        span = self.max_time - self.min_time
        here = self.max_time - span * math.pow(share, self.power)
        return min(max(here + span * self.jitter * (draw - 0.5), self.min_time), self.max_time)


class Narrowing(TimeRange):
    """Drawn anew in each step, evenly, from a range whose two ends move (MVDream, Stable Zero123).

    The keys of every rule say where the ends begin.
    """

    name: Literal["narrowing"] = "narrowing"
    late_min_time: Time = 0.02
    """Least noise from ``until`` on."""
    late_max_time: Time = 0.5
    """Most noise from ``until`` on."""
    until: float = Field(0.8, gt=0, le=1)
    """Share of the steps over which both move evenly."""

    @model_validator(mode="after")
    def _late_in_order(self) -> "Narrowing":
        if self.late_min_time > self.late_max_time:
            raise ValueError(
                f"late_min_time {self.late_min_time:g} is above late_max_time "
                f"{self.late_max_time:g}"
            )
        return self

    def time(self, share: float, draw: float) -> float:
        """Time of a step at ``share`` of all, with ``draw`` evenly from [0, 1)."""
        moved = min(share / self.until, 1.0)
        low = self.min_time + (self.late_min_time - self.min_time) * moved
        high = self.max_time + (self.late_max_time - self.max_time) * moved
        return low + (high - low) * draw


Times = Annotated[Uniform | Falling | Narrowing, BY_NAME]
"""Any rule, chosen by its ``name``."""
