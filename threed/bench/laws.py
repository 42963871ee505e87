"""Where descent must end under normal priors, worked out from the losses' equations alone.

With ``N(k m, s^2)`` the exact prediction is ``eps_hat(z) = sigma (z - alpha k m) / (alpha^2 s^2 +
sigma^2)``. Every loss is then affine in the latent and in its noise, at each timestep,

    g_t(x) = a_t x - c_t m + b_t n,    n standard normal,

and so is each step ``x <- x - r g_t(x)`` of plain descent. With times and noise drawn anew the mean
ends at ``f m`` with ``f = E[c] / E[a]`` (the law of over-saturation under guidance), and the
variance at

    V = r^2 (E[b^2] + m^2 E[(a f - c)^2]) / (2 r E[a] - r^2 E[a^2]).

Nothing here calls the losses' own code: it is the other side of the check.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from common.diffusion.noise_schedule import NoiseSchedule
from threed.bench.affine import Affine, NormalWorld, affine_of
from threed.distillation.loss_config import SDS, VSD, Loss

MEANS = (0.5, 0.8, 1.1, 1.4)
"""``m`` of the elements of a latent, over and over."""


@dataclass(frozen=True)
class Law:
    """What is predicted for one loss; None where it predicts nothing."""

    rate: float
    """Of descent."""
    saturation: float
    """``f``: the fixed point in units of the prompt's mean."""
    spread: float | None
    """Root of the mean of ``V`` over the elements."""
    noise: float | None
    """``E[b^2]``: variance of the gradient that is the noise's."""


def law_of(
    loss: Loss, world: NormalWorld, schedule: NoiseSchedule, contraction: float
) -> Law | None:
    """The law of a loss; None if it has no fixed point (no pull back on average).

    Args:
        loss: which, with its guidance.
        world: the normal priors.
        schedule: of the prior.
        contraction: what one step takes of the way, which sets the rate.
    """
    form = affine_of(loss, world, schedule)
    pull = float(form.pull.mean())
    if pull <= 0:
        return None
    rate = contraction / pull
    fixed = float(form.goal.mean()) / pull
    if isinstance(loss, SDS) and loss.baseline == "learnt":
        return Law(rate, fixed, None, None)  # its coefficient is a matter of its past
    means = np.asarray(MEANS)
    if isinstance(loss, VSD):
        variance = _of_particles(form, world, fixed, rate, means)
        if variance is None:
            return Law(rate, fixed, None, None)
        own = form.sigma**2 / (form.alpha**2 * variance + form.sigma**2) * form.weight
        noise = float(((form.noise - own) ** 2).mean())
        return Law(rate, fixed, float(np.sqrt(variance)), noise)
    each = _variances(form.pull, form.goal, form.noise, fixed, rate, means)
    if each is None:
        return Law(rate, fixed, None, float((form.noise**2).mean()))
    return Law(rate, fixed, float(np.sqrt(each.mean())), float((form.noise**2).mean()))


def _variances(
    pull: Float[np.ndarray, " t"],
    goal: Float[np.ndarray, " t"],
    noise: Float[np.ndarray, " t"],
    fixed: float,
    rate: float,
    means: Float[np.ndarray, " n"],
) -> Float[np.ndarray, " n"] | None:
    """``V`` of each element; None where steps are so long that none settles."""
    settles = 2 * rate * pull.mean() - rate**2 * (pull**2).mean()
    if settles <= 0:
        return None
    off = ((pull * fixed - goal) ** 2).mean()
    return rate**2 * ((noise**2).mean() + means**2 * off) / settles


def _of_particles(
    form: Affine,
    world: NormalWorld,
    fixed: float,
    rate: float,
    means: Float[np.ndarray, " n"],
) -> float | None:
    """The variance ``v`` that particles keep when they are pushed off each other by it.

    About their mean the pull is ``a_t - w sigma alpha / (alpha^2 v + sigma^2)``, so ``v`` is on
    both sides; what is left over after one step, less ``v``, falls in ``v``: bisection.
    """

    def grows(variance: float) -> float:
        own = form.weight * form.sigma / (form.alpha**2 * variance + form.sigma**2)
        inner = form.pull - own * form.alpha
        off = ((form.pull * fixed - form.goal) ** 2).mean() * (means**2).mean()
        kept = ((1 - rate * inner) ** 2).mean() * variance
        return kept + rate**2 * (((form.noise - own * form.sigma) ** 2).mean() + off) - variance

    low, high = 1e-8, (10 * world.spread) ** 2
    if grows(low) <= 0 or grows(high) >= 0:
        return None
    for _ in range(200):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if grows(middle) > 0 else (low, middle)
    return float((low * high) ** 0.5)
