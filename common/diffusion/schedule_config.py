"""Settings of the noise schedules, named as in diffusers (ldm's "linear" is ``scaled_linear``)."""

from typing import Literal

from pydantic import Field, model_validator

from common.config import Config, one_of


class ScaledLinearSchedule(Config):
    """Betas linear in their square root: Stable Diffusion, SDXL and the models tuned from them."""

    name: Literal["scaled_linear"] = "scaled_linear"
    num_train_timesteps: int = Field(default=1000, ge=2, le=1_000_000)
    """Entries of the training table."""
    beta_start: float = Field(default=0.00085, gt=0, lt=1)
    """First beta."""
    beta_end: float = Field(default=0.012, gt=0, lt=1)
    """Last beta."""
    zero_terminal_snr: bool = False
    """Rescale the table so that its last entry is pure noise (Lin et al. 2023, Algorithm 1)."""

    @model_validator(mode="after")
    def _betas_rise(self) -> "ScaledLinearSchedule":
        _check_rising(self.beta_start, self.beta_end)
        return self


class LinearSchedule(Config):
    """Betas linear in time (Ho et al. 2020); AnimateDiff's motion layers use 0.00085 to 0.012."""

    name: Literal["linear"] = "linear"
    num_train_timesteps: int = Field(default=1000, ge=2, le=1_000_000)
    """Entries of the training table."""
    beta_start: float = Field(default=0.0001, gt=0, lt=1)
    """First beta."""
    beta_end: float = Field(default=0.02, gt=0, lt=1)
    """Last beta."""
    zero_terminal_snr: bool = False
    """Rescale the table so that its last entry is pure noise (Lin et al. 2023, Algorithm 1)."""

    @model_validator(mode="after")
    def _betas_rise(self) -> "LinearSchedule":
        _check_rising(self.beta_start, self.beta_end)
        return self


class CosineSchedule(Config):
    """Signal falls like a squared cosine (Nichol and Dhariwal 2021); ends in almost pure noise."""

    name: Literal["cosine"] = "cosine"
    num_train_timesteps: int = Field(default=1000, ge=2, le=1_000_000)
    """Entries of the training table."""
    zero_terminal_snr: bool = False
    """Rescale the table so that its last entry is pure noise (Lin et al. 2023, Algorithm 1)."""


class FlowSchedule(Config):
    """Rectified flow: ``z = (1 - sigma) x + sigma eps``, sigma = timestep / num_train_timesteps."""

    name: Literal["flow"] = "flow"
    num_train_timesteps: int = Field(default=1000, ge=2, le=1_000_000)
    """The timestep of pure noise; timestep 0 is clean."""
    shift: float = Field(default=1.0, gt=0)
    """Moves sampling to noisier steps, ``shift sigma / (1 + (shift - 1) sigma)``; SD3 uses 3."""


def _check_rising(beta_start: float, beta_end: float) -> None:
    if beta_start > beta_end:
        raise ValueError(f"beta_start {beta_start} must not exceed beta_end {beta_end}")


Schedule = one_of(ScaledLinearSchedule, LinearSchedule, CosineSchedule, FlowSchedule)
"""Any noise schedule, chosen by its ``name``."""

VPSchedule = ScaledLinearSchedule | LinearSchedule | CosineSchedule
"""The variance-preserving ones, which have a table."""
