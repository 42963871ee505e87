"""The kinds of metrics that the statistics are tried on."""

from collections.abc import Callable

import numpy as np

Draw = Callable[[np.random.Generator, int], np.ndarray]


def normal(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.standard_normal(n)


def lognormal(rng: np.random.Generator, n: int) -> np.ndarray:
    """As skewed as times and error sums are: skewness 6.2."""
    return rng.lognormal(size=n)


def bimodal(rng: np.random.Generator, n: int) -> np.ndarray:
    """A score in about [0, 1] of a method that fails three times in ten."""
    return np.where(rng.random(n) < 0.3, 0.2, 0.9) + 0.05 * rng.standard_normal(n)


def binary(rng: np.random.Generator, n: int) -> np.ndarray:
    """Success or not, as likely."""
    return (rng.random(n) < 0.5).astype(float)


MEANS = {normal: 0.0, lognormal: float(np.exp(0.5)), bimodal: 0.69, binary: 0.5}
CONTINUOUS: tuple[Draw, ...] = (normal, lognormal, bimodal)
