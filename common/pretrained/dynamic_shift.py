"""Flows whose shift to noisier steps depends on the picture's size (FLUX.1 dev).

With ``n`` the number of the picture's tokens, ``mu`` is linear between two sizes and

    sigma' = e^mu / (e^mu + 1 / sigma - 1),

which is a shift of ``e^mu`` (of ``mu`` itself where the scheduler's time shift is linear).
"""

import math
from typing import Literal

from pydantic import Field

from common.config import Config
from common.diffusion.schedule_config import FlowSchedule
from common.errors import InputError


class DynamicShift(Config):
    """A flow without its shift, and the line that gives it; keys are those of diffusers."""

    num_train_timesteps: int = Field(ge=2, le=1_000_000)
    """The timestep of pure noise."""
    base_image_seq_len: int = Field(ge=1)
    """Tokens of the smaller picture."""
    max_image_seq_len: int = Field(ge=1)
    """Tokens of the larger picture."""
    base_shift: float = Field(ge=-50, le=50)
    """``mu`` of the smaller picture."""
    max_shift: float = Field(ge=-50, le=50)
    """``mu`` of the larger picture."""
    time_shift_type: Literal["exponential", "linear"]
    """Whether the shift is ``e^mu`` or ``mu``."""

    def at(self, num_tokens: int) -> FlowSchedule:
        """The flow for pictures of so many tokens.

        Raises:
            InputError: the line gives no shift there.
        """
        fewer, more = self.base_image_seq_len, self.max_image_seq_len
        if fewer >= more:
            raise InputError(
                f"base_image_seq_len {fewer} of the scheduler's config must be less than "
                f"max_image_seq_len {more}"
            )
        slope = (self.max_shift - self.base_shift) / (more - fewer)
        mu = num_tokens * slope + (self.base_shift - slope * fewer)
        if mu > 50 or (self.time_shift_type == "linear" and mu <= 0):
            raise InputError(
                f"for {num_tokens} tokens the scheduler's config gives a shift of {mu:g}: use a "
                "size that the checkpoint was trained on"
            )
        shift = math.exp(mu) if self.time_shift_type == "exponential" else mu
        return FlowSchedule(num_train_timesteps=self.num_train_timesteps, shift=shift)
