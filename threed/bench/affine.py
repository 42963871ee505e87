"""Every loss as the affine map that it is under normal priors, at each timestep of a range."""

from dataclasses import dataclass
from typing import assert_never

import numpy as np
import torch
from jaxtyping import Float

from common.diffusion.noise_schedule import NoiseSchedule
from threed.distillation.loss_config import (
    CSD,
    ISM,
    NFSD,
    RFDS,
    SDI,
    SDS,
    SJC,
    VSD,
    Bridge,
    HiFA,
    Loss,
)
from threed.distillation.weight import Weight

Row = Float[np.ndarray, " t"]
_POOR_MEAN = 0.3
_NFSD_FROM = 0.2
"""Diffusion time from which NFSD takes the bad prompt off (arXiv 2310.17590, section 4)."""


@dataclass(frozen=True)
class NormalWorld:
    """What latents are like with the prompt, without one, and with other words."""

    spread: float
    wide: float
    """Standard deviations, not ratios."""
    poor: float
    first: int
    """Timesteps, all alike likely: from this one"""
    last: int
    """to this one."""

    @property
    def kinds(self) -> tuple[tuple[float, float], ...]:
        """Mean in units of the prompt's, and variance: prompt, none, other words."""
        return (1.0, self.spread**2), (0.0, self.wide**2), (_POOR_MEAN, self.poor**2)


@dataclass(frozen=True)
class Affine:
    """``g = pull x - goal m + noise n`` at each timestep, and what it was made of."""

    pull: Row
    goal: Row
    noise: Row
    alpha: Row
    sigma: Row
    weight: Row


@dataclass(frozen=True)
class _Seen:
    """``eps_hat(z) = slope z + shift m``."""

    slope: Row
    shift: Row

    def __add__(self, other: "_Seen") -> "_Seen":
        return _Seen(self.slope + other.slope, self.shift + other.shift)

    def __sub__(self, other: "_Seen") -> "_Seen":
        return _Seen(self.slope - other.slope, self.shift - other.shift)

    def times(self, factor: float | Row) -> "_Seen":
        return _Seen(factor * self.slope, factor * self.shift)


@dataclass(frozen=True)
class _World:
    """Predictions at noise levels."""

    alpha: Row
    sigma: Row
    kinds: tuple[tuple[float, float], ...]

    def seen(self, kind: int) -> _Seen:
        mean, variance = self.kinds[kind]
        slope = self.sigma / (self.alpha**2 * variance + self.sigma**2)
        return _Seen(slope, -slope * self.alpha * mean)

    def guided(self, scale: float) -> _Seen:
        prompt, none = self.seen(0), self.seen(1)
        return none + (prompt - none).times(scale)


def affine_of(loss: Loss, world: NormalWorld, schedule: NoiseSchedule) -> Affine:
    """The map of a loss at every timestep of the world's range."""
    steps = np.arange(world.first, world.last + 1, dtype=np.float64)
    here = _at(steps, world, schedule)
    alpha, sigma = here.alpha, here.sigma
    match loss:
        case SDS():
            share = 0.0 if loss.baseline == "none" else 1.0
            return _random(here, here.guided(loss.guidance.guidance_scale), share, loss.weight)
        case SJC():
            share = float(loss.variance_reduction)
            return _random(here, here.guided(loss.guidance.guidance_scale), share, "uniform")
        case VSD():  # less the particles' own score, which is 0 at their mean
            return _random(here, here.guided(loss.guidance.guidance_scale), 0.0, loss.weight)
        case HiFA():  # with latents that are pictures, the same difference once more
            both = _random(here, here.guided(loss.guidance.guidance_scale), 1.0, loss.weight)
            return _scaled(both, 1 + loss.picture_scale)
        case RFDS():
            plain = _random(here, here.guided(loss.guidance.guidance_scale), 1.0, "uniform")
            return _scaled(plain, (1 + sigma / alpha) / (1 + np.exp(-sigma / (alpha + sigma))))
        case CSD():
            prompt, none, other = (here.seen(kind) for kind in range(3))
            seen = (prompt - none).times(loss.scale) + (none - other).times(loss.negative_scale)
            return _random(here, seen, 0.0, loss.weight)
        case NFSD():
            prompt, none, other = (here.seen(kind) for kind in range(3))
            noisy = (steps / schedule.max_timestep >= _NFSD_FROM).astype(np.float64)
            seen = (prompt - none).times(loss.scale) + none - other.times(noisy)
            return _random(here, seen, 0.0, loss.weight)
        case Bridge():
            return _random(here, (here.seen(0) - here.seen(2)).times(loss.scale), 0.0, loss.weight)
        case ISM():
            return _interval(loss, here, steps, world, schedule)
        case SDI():
            return _inverted(loss, here, steps, world, schedule)
        case _:
            assert_never(loss)


def _at(steps: Row, world: NormalWorld, schedule: NoiseSchedule) -> _World:
    alpha, sigma = schedule.alpha_sigma(torch.from_numpy(steps))
    return _World(alpha.numpy(), sigma.numpy(), world.kinds)


def _weight(name: Weight, here: _World) -> Row:
    alpha, sigma = here.alpha, here.sigma
    return {
        "sigma_squared": sigma**2, "uniform": np.ones_like(sigma),
        "reconstruction": sigma / alpha, "alpha_sigma_squared": alpha * sigma**2,
    }[name]  # fmt: skip


def _random(here: _World, seen: _Seen, share: float, name: Weight) -> Affine:
    """``w (eps_hat(alpha x + sigma n) - share n)``."""
    weight = _weight(name, here)
    noise = weight * (here.sigma * seen.slope - share)
    return Affine(
        weight * here.alpha * seen.slope, -weight * seen.shift, noise, here.alpha, here.sigma,
        weight,
    )  # fmt: skip


def _scaled(form: Affine, factor: float | Row) -> Affine:
    return Affine(
        factor * form.pull, factor * form.goal, factor * form.noise, form.alpha, form.sigma,
        factor * form.weight,
    )  # fmt: skip


@dataclass(frozen=True)
class _Latent:
    """``z = slope x + shift m + noise``, the last with a variance."""

    slope: Row
    shift: Row
    variance: Row


def _inversion_step(
    z: _Latent, start: _World, end: _World, seen: _Seen, eta: float = 0.0
) -> _Latent:
    """``z' = alpha' (z - sigma e) / alpha + sigma' (sqrt(1 - eta^2) e + eta n)``, e predicted."""
    of_seen = np.sqrt(1 - eta**2) * end.sigma - end.alpha * start.sigma / start.alpha
    factor = end.alpha / start.alpha + of_seen * seen.slope
    moved = (start.alpha != end.alpha) | (start.sigma != end.sigma)
    return _Latent(
        np.where(moved, factor * z.slope, z.slope),
        np.where(moved, factor * z.shift + of_seen * seen.shift, z.shift),
        np.where(moved, factor**2 * z.variance + (eta * end.sigma) ** 2, z.variance),
    )


def _interval(
    loss: ISM, here: _World, steps: Row, world: NormalWorld, schedule: NoiseSchedule
) -> Affine:
    """``w (eps_hat(z_t; guided) - eps_hat(z_s; none))`` along the inversion without a prompt."""
    before = steps - loss.interval * schedule.max_timestep
    stride = loss.stride * schedule.max_timestep
    z = _Latent(np.ones_like(steps), np.zeros_like(steps), np.zeros_like(steps))
    at = np.zeros_like(steps)
    while bool((at < before).any()):
        after = np.minimum(at + stride, before)
        start, end = (_at(times, world, schedule) for times in (at, after))
        z = _inversion_step(z, start, end, start.seen(1))
        at = after
    earlier = _at(before, world, schedule)
    own = earlier.seen(1)
    later = _inversion_step(z, earlier, here, own)
    seen = here.guided(loss.guidance.guidance_scale)
    weight = _weight(loss.weight, here)
    pull = weight * (seen.slope * later.slope - own.slope * z.slope)
    goal = -weight * (seen.slope * later.shift + seen.shift - own.slope * z.shift - own.shift)
    return Affine(pull, goal, np.zeros_like(steps), here.alpha, here.sigma, weight)


def _inverted(
    loss: SDI, here: _World, steps: Row, world: NormalWorld, schedule: NoiseSchedule
) -> Affine:
    """``w (eps_hat(z; guided) - (z - alpha x) / sigma)`` at the end ``z`` of the inversion."""
    z = _Latent(np.ones_like(steps), np.zeros_like(steps), np.zeros_like(steps))
    count = loss.num_inversion_steps
    for step in range(count):
        start, end = (_at(steps * k / count, world, schedule) for k in (step, step + 1))
        z = _inversion_step(z, start, end, start.guided(loss.inversion_scale), loss.eta)
    seen = here.guided(loss.guidance.guidance_scale)
    weight = _weight(loss.weight, here)
    rest = seen.slope - 1 / here.sigma
    pull = weight * (rest * z.slope + here.alpha / here.sigma)
    goal = -weight * (rest * z.shift + seen.shift)
    noise = weight * np.abs(rest) * np.sqrt(z.variance)
    return Affine(pull, goal, noise, here.alpha, here.sigma, weight)
