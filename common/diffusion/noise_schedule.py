"""How much signal and noise a latent holds at each timestep.

A noised latent is ``z = alpha x + sigma eps``. Variance-preserving (VP) schedules have
``alpha^2 + sigma^2 = 1`` and a table over integer timesteps ``0 ... T - 1``; a flow has
``alpha = 1 - sigma`` and ``sigma = timestep / T``. Fractional timesteps of a table are read as
diffusers' Euler and Heun schedulers read them: ``sigma / alpha`` is linear between two entries.

Tables are computed in float32 in the very order of diffusers, whose schedulers and whose
checkpoints' training used them, and are kept in float64: both sides then hold the same numbers.
"""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from common.diffusion.schedule_config import (
    CosineSchedule,
    FlowSchedule,
    LinearSchedule,
    ScaledLinearSchedule,
    VPSchedule,
)
from common.errors import InputError
from common.shapes import Latents, Timesteps

ZERO_SNR_FLOOR = 2.0**-24
"""What diffusers' sigma-space samplers take for a zero ``alpha^2``, so that sigma stays finite."""


def betas_of(config: VPSchedule) -> Float32[Tensor, " steps"]:
    """The variance added at each training step; ``alpha_t^2 = prod (1 - beta)``."""
    steps = config.num_train_timesteps
    match config:
        case LinearSchedule():
            betas = torch.linspace(config.beta_start, config.beta_end, steps, dtype=torch.float32)
        case ScaledLinearSchedule():
            roots = (config.beta_start**0.5, config.beta_end**0.5)
            betas = torch.linspace(*roots, steps, dtype=torch.float32) ** 2
        case CosineSchedule():
            signal = [
                math.cos((i / steps + 0.008) / 1.008 * math.pi / 2) ** 2 for i in range(steps + 1)
            ]
            ratios = [min(1 - after / before, 0.999) for before, after in pairwise(signal)]
            betas = torch.tensor(ratios, dtype=torch.float32)
    return with_zero_terminal_snr(betas) if config.zero_terminal_snr else betas


def with_zero_terminal_snr(betas: Float32[Tensor, " steps"]) -> Float32[Tensor, " steps"]:
    """Shift and scale ``alpha`` so that its last entry is 0 (Lin et al. 2023, Algorithm 1)."""
    alpha = torch.cumprod(1.0 - betas, dim=0).sqrt()
    first, last = alpha[0].clone(), alpha[-1].clone()
    squares = ((alpha - last) * (first / (first - last))) ** 2
    return 1 - torch.cat([squares[:1], squares[1:] / squares[:-1]])


@dataclass(frozen=True)
class NoiseSchedule:
    """Signal and noise levels over timesteps. Two schedules are equal if their configs are."""

    config: Any
    """A member of ``Schedule``: everything else follows from it."""
    alphas_cumprod: Float64[Tensor, " steps"] | None = field(compare=False, repr=False)
    """``alpha^2`` of each training timestep; None for a flow, which has no table."""

    @property
    def is_flow(self) -> bool:
        """Whether ``alpha = 1 - sigma`` rather than ``alpha^2 = 1 - sigma^2``."""
        return isinstance(self.config, FlowSchedule)

    @property
    def max_timestep(self) -> float:
        """The noisiest timestep; 0 is the least noisy."""
        return float(self.config.num_train_timesteps - (0 if self.is_flow else 1))

    def fraction(self, timesteps: Timesteps) -> Timesteps:
        """Diffusion time ``t`` in [0, 1] of timesteps."""
        return timesteps / self.max_timestep

    def timesteps(self, fraction: Timesteps) -> Timesteps:
        """The (fractional) timesteps at diffusion times ``t`` in [0, 1]."""
        return fraction * self.max_timestep

    def alpha_sigma(
        self, timesteps: Timesteps
    ) -> tuple[Float64[Tensor, " b"], Float64[Tensor, " b"]]:
        """Signal and noise level at timesteps, which may be fractional."""
        position = timesteps.double()
        if bool(((position < 0) | (position > self.max_timestep)).any()):
            raise InputError(
                f"timesteps run from 0 to {self.max_timestep:g}, got "
                f"{float(position.min()):g} to {float(position.max()):g}"
            )
        if self.alphas_cumprod is None:
            sigma = position / self.config.num_train_timesteps
            return 1 - sigma, sigma
        table = self.alphas_cumprod.to(position.device)
        index = position.floor().long()
        lower, upper = table[index], table[(index + 1).clamp(max=len(table) - 1)]
        between = position - index
        floor = min(ZERO_SNR_FLOOR, float(table[-2]))
        ratio = torch.lerp(_noise_to_signal(lower, floor), _noise_to_signal(upper, floor), between)
        # On the table itself the entries are exact, also where the ratio is infinite.
        exact = between == 0
        alpha = torch.where(exact, lower.sqrt(), (1 + ratio**2).rsqrt())
        sigma = torch.where(exact, (1 - lower).sqrt(), ratio * (1 + ratio**2).rsqrt())
        return alpha, sigma

    def alpha(self, timesteps: Timesteps) -> Float64[Tensor, " b"]:
        """Signal level at timesteps."""
        return self.alpha_sigma(timesteps)[0]

    def sigma(self, timesteps: Timesteps) -> Float64[Tensor, " b"]:
        """Noise level at timesteps."""
        return self.alpha_sigma(timesteps)[1]

    def add_noise(self, latents: Latents, noise: Latents, timesteps: Timesteps) -> Latents:
        """``z = alpha x + sigma eps``, each sample at its own timestep."""
        alpha, sigma = self.alpha_sigma(timesteps)
        return per_sample(alpha, latents) * latents + per_sample(sigma, latents) * noise


def _noise_to_signal(alphas_cumprod: Float64[Tensor, " b"], floor: float) -> Float64[Tensor, " b"]:
    floored = alphas_cumprod.clamp(min=floor)
    return ((1 - floored) / floored).sqrt()


def build_noise_schedule(config: Any) -> NoiseSchedule:
    """The schedule of a config."""
    if isinstance(config, FlowSchedule):
        return NoiseSchedule(config, None)
    return NoiseSchedule(config, torch.cumprod(1.0 - betas_of(config), dim=0).double())


def per_sample(
    values: Float[Tensor, " b"], latents: Float[Tensor, "b ..."]
) -> Float[Tensor, "..."]:
    """One number per sample, shaped and typed to multiply ``latents``."""
    return values.to(latents).reshape(-1, *[1] * (latents.ndim - 1))
