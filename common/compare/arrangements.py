"""The arrangements that permutation tests visit: all of them if few, else a random sample.

The observed arrangement is always the first one. Counting it among the random ones makes a p-value
valid and not only nearly so (Phipson and Smyth 2010), and never 0. The caches hold because metrics
and variants of one report share their designs.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from math import comb, prod

import numpy as np
from jaxtyping import Float

EXACT_LIMIT = 70_000
"""Up to so many arrangements all are visited: those of 16 pairs, or of 9 runs against 9."""


@dataclass(frozen=True)
class PermutationResult:
    """p-value and interval of one permutation test.

    Attributes:
        p_value: Two-sided: twice the smaller tail, at most 1.
        smallest_p: The smallest p-value that this design can give.
        lo: Lower end of all differences not rejected at ``1 - level``; -inf if there is none.
        hi: Upper end.
        exact: Whether all arrangements were visited rather than a random sample of them.
    """

    p_value: float
    smallest_p: float
    lo: float
    hi: float
    exact: bool


@lru_cache(maxsize=4)
def sign_flips(n: int, num_resamples: int, seed: int) -> Float[np.ndarray, "b n"]:
    """Which of ``n`` differences are flipped (1) in each arrangement; the first flips none."""
    if 2**n <= EXACT_LIMIT:
        flips = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    else:
        flips = np.random.default_rng(seed).integers(0, 2, (num_resamples + 1, n), dtype=np.int8)
        flips[0] = 0
    return _shared(flips)


@lru_cache(maxsize=4)
def regroupings(
    sizes: tuple[tuple[int, int], ...], num_resamples: int, seed: int
) -> Float[np.ndarray, "b n"]:
    """Which runs belong to ``a`` (1) when runs are exchanged between ``a`` and ``b`` in strata.

    Args:
        sizes: Runs of ``a`` and of ``b`` in each stratum. Columns follow the strata; within one,
            those of ``a`` come first.
        num_resamples: Number of random arrangements, where there are too many for all.
        seed: Of the random arrangements.
    """
    if prod(comb(a + b, a) for a, b in sizes) <= EXACT_LIMIT:
        blocks = [_all_choices(a, b) for a, b in sizes]
        rows = [np.concatenate(row) for row in product(*blocks)]
        return _shared(np.stack(rows))
    generator = np.random.default_rng(seed)
    columns = [generator.random((num_resamples + 1, a + b)).argsort(axis=1) < a for a, b in sizes]
    groups = np.concatenate(columns, axis=1)
    groups[0] = np.concatenate([np.arange(a + b) < a for a, b in sizes])
    return _shared(groups)


def fewest_units(level: float, *, paired: bool) -> int:
    """Fewest pairs, or runs in each arm, with which a permutation test can reject at all.

    Six pairs or four runs against four at 95 %: ``2 / 2^6`` and ``2 / 70`` are below 5 %.
    """
    n = 1
    while 2 / (2**n if paired else comb(2 * n, n)) > 1 - level:
        n += 1
    return n


def _all_choices(a: int, b: int) -> Float[np.ndarray, "c n"]:
    """All ways to choose ``a`` of ``a + b`` runs; the first chooses the first ``a``."""
    chosen = np.array(list(combinations(range(a + b), a)), dtype=np.int64)
    rows = np.zeros((len(chosen), a + b))
    np.put_along_axis(rows, chosen, 1.0, axis=1)
    return rows


def _shared(array: np.ndarray) -> Float[np.ndarray, "b n"]:
    """As floats for matrix products, and read-only: a cache hands the same array to everyone."""
    result = array.astype(np.float64)
    result.setflags(write=False)
    return result
