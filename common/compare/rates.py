"""Confidence intervals of rates: metrics that are 0 or 1 for each run."""

import numpy as np
from jaxtyping import Float


def wilson_interval(rate: float, n: float, level: float) -> tuple[float, float]:
    """Wilson's score interval of a rate (Wilson 1927; Brown, Cai and DasGupta 2001, Eq. 4).

    Own code because `scipy.stats.binomtest` takes whole counts only, and the effective size of a
    clustered sample is none.

    Args:
        rate: Observed rate, in [0, 1].
        n: Number of independent runs, above 0, not necessarily whole.
        level: Confidence level, in (0, 1).
    """
    from scipy.special import ndtri

    z2 = float(ndtri((1 + level) / 2)) ** 2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (rate * (1 - rate) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def effective_size(cluster_rates: Float[np.ndarray, " k"], num_values: int, level: float) -> float:
    """How many independent runs a clustered sample is worth (Korn and Graubard 1998).

    ``p (1 - p) / se^2``, with ``se`` the standard error over clusters, times the ratio of squared
    t quantiles that pays for estimating ``se``. Never above the number of runs, and the number of
    clusters where the data cannot tell (every cluster has the same rate).

    Args:
        cluster_rates: Rate of each cluster; at least two.
        num_values: Number of runs in all.
        level: Confidence level, in (0, 1).
    """
    from scipy.special import stdtrit

    num_clusters = len(cluster_rates)
    rate = float(cluster_rates.mean())
    squared_error = float(cluster_rates.var(ddof=1)) / num_clusters
    if squared_error == 0.0:
        return float(num_clusters)
    tail = (1 + level) / 2
    penalty = float(stdtrit(num_values - 1, tail) / stdtrit(num_clusters - 1, tail)) ** 2
    return min(float(num_values), penalty * rate * (1 - rate) / squared_error)
