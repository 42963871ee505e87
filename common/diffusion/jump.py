"""Jumps from one noise level to another in one evaluation, as DDIM makes them.

With ``z = alpha x + sigma eps`` and ``v = alpha eps - sigma x`` on a variance-preserving schedule,
a ``v`` at level ``t`` says ``x = alpha_t z - sigma_t v`` and ``eps = sigma_t z + alpha_t v``, and
DDIM (Song et al. 2021, arXiv 2010.02502, equation 12, without noise) puts them together at ``s``:

    z_s = (alpha_s alpha_t + sigma_s sigma_t) z_t + (sigma_s alpha_t - alpha_s sigma_t) v

With ``alpha = cos p`` and ``sigma = sin p`` that is a turn by ``p_t - p_s``. A jump is exact where
``v`` is not the model's own at ``t`` but the one that leads from ``z_t`` to the ``z_s`` of the
exact solution; that is what a student of few steps learns (Salimans and Ho 2022, arXiv 2202.00512,
appendix G, with any solver for a teacher).
"""

from dataclasses import dataclass

from jaxtyping import Float, Float64
from torch import Tensor

from common.diffusion.noise_schedule import NoiseSchedule, per_sample
from common.errors import InputError
from common.shapes import Latents, Timesteps


@dataclass(frozen=True, eq=False)
class Levels:
    """Signal and noise of each sample at both ends of a jump."""

    alpha: Float64[Tensor, " b"]
    sigma: Float64[Tensor, " b"]
    alpha_after: Float64[Tensor, " b"]
    sigma_after: Float64[Tensor, " b"]

    @property
    def of_latents(self) -> Float64[Tensor, " b"]:
        """Weight of the latents in those after the jump: the cosine of the turn."""
        return self.alpha_after * self.alpha + self.sigma_after * self.sigma

    @property
    def of_v(self) -> Float64[Tensor, " b"]:
        """Weight of ``v`` in the latents after the jump: minus the sine of the turn."""
        return self.sigma_after * self.alpha - self.alpha_after * self.sigma


def levels_of(schedule: NoiseSchedule, timesteps: Timesteps, after: Float[Tensor, " b"]) -> Levels:
    """The levels of jumps between timesteps of a table; -1 after the jump is the clean latent.

    Raises:
        InputError: on a flow, or for a jump that does not lead to less noise.
    """
    if schedule.is_flow:
        raise InputError("jumps in v are for variance-preserving schedules, not for flows")
    if not bool((after < timesteps).all()):
        raise InputError("a jump leads to a timestep with less noise")
    alpha, sigma = schedule.alpha_sigma(timesteps)
    alpha_after, sigma_after = schedule.alpha_sigma(after.clamp(min=0))
    clean = after < 0
    return Levels(
        alpha, sigma, alpha_after.masked_fill(clean, 1.0), sigma_after.masked_fill(clean, 0.0)
    )


def jumped(latents: Latents, v: Latents, levels: Levels) -> Latents:
    """Where ``v`` leads from ``latents``."""
    return per_sample(levels.of_latents, latents) * latents + per_sample(levels.of_v, latents) * v


def v_of_jump(latents: Latents, after: Latents, levels: Levels) -> Latents:
    """The ``v`` that leads from ``latents`` to ``after``: the inverse of `jumped`."""
    turned = after - per_sample(levels.of_latents, latents) * latents
    return turned / per_sample(levels.of_v, latents)
