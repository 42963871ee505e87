"""The studentised bootstrap of a mean.

Own code because `scipy.stats.bootstrap` knows percentile, basic and BCa intervals only, and those
are too short for few values: the true mean of a normal metric lies in the 95 % BCa interval of five
values 84 % of the time, of a log-normal one 76 %. The same figures here are 95 % and 88 %.
"""

from functools import lru_cache

import numpy as np
from jaxtyping import Float

from common.compare.estimates import Resampling

VARIANCE_FLOOR = 0.1
"""Smallest variance of a resample, as a part of the variance of the values.

With few values some resamples hold nearly one value only, their t statistics are near infinite, and
the interval is several times too long. The floor bounds it: five values of a metric with two modes
give intervals 3.5 times as long as Student's without it and equally long with it, at the same
coverage. From 16 values on it changes nothing.
"""


@lru_cache(maxsize=4)
def resample_counts(n: int, num_resamples: int, seed: int) -> Float[np.ndarray, "b n"]:
    """How often each of ``n`` values is drawn in each resample with replacement; rows sum to n."""
    drawn = np.random.default_rng(seed).integers(0, n, (num_resamples, n))
    cells = drawn + n * np.arange(num_resamples)[:, None]
    counts = np.bincount(cells.ravel(), minlength=num_resamples * n).reshape(num_resamples, n)
    result = counts.astype(np.float64)
    result.setflags(write=False)  # the cache hands the same array to everyone
    return result


def studentised_interval(
    values: Float[np.ndarray, " n"], resampling: Resampling
) -> tuple[float, float]:
    """The bootstrap-t interval of the mean (Efron and Tibshirani 1993, section 12.5).

    ``[m - q(1 - a/2) s / sqrt(n), m - q(a/2) s / sqrt(n)]`` with ``q`` the quantiles over resamples
    of ``(m* - m) / (s* / sqrt(n))``. It follows the skewness of the values, which Student's t
    does not.

    Args:
        values: At least two, not all equal.
        resampling: Level, seed and number of resamples.
    """
    n = len(values)
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    # Sorted, so that the rows' order cannot matter; standardised, so that offsets cannot cancel.
    scores = np.sort((values - mean) / deviation)
    counts = resample_counts(n, resampling.num_resamples, resampling.seed)
    means = counts @ scores / n
    variances = (counts @ scores**2 / n - means**2) * n / (n - 1)
    t = means / np.sqrt(np.maximum(variances, VARIANCE_FLOOR) / n)
    lowest, highest = np.quantile(t, [resampling.alpha / 2, 1 - resampling.alpha / 2])
    error = deviation / np.sqrt(n)
    return float(mean - highest * error), float(mean - lowest * error)
