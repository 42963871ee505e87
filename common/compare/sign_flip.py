"""The sign-flip test of paired differences, and the interval that belongs to it.

Under "no difference" each difference is as likely as its negative, so all sign patterns of the
observed differences are equally likely (Fisher 1935). For differences in {-1, 0, 1} this is
McNemar's exact test. Own code beside `scipy.stats.permutation_test` (with which the p-values agree)
because the interval must come from the same flips.
"""

import numpy as np
from jaxtyping import Float

from common.compare.arrangements import EXACT_LIMIT, PermutationResult, sign_flips
from common.compare.estimates import Resampling

ZERO = 1e-12
"""Sums this small beside the sum of absolute values are rounding errors of zero."""


def sign_flip_test(
    differences: Float[np.ndarray, " n"], weights: Float[np.ndarray, " n"], resampling: Resampling
) -> PermutationResult:
    """Tests "the weighted mean of the differences is 0" and inverts the test.

    Flipping the signs of a subset ``A`` of ``d - delta`` makes the mean no smaller exactly if
    ``sum_A w (d - delta) <= 0``, that is if the weighted mean of ``A`` is at most ``delta``. So the
    interval's ends are order statistics of the subsets' means (Hartigan 1969), without any search,
    and 0 is outside exactly if ``p <= 1 - level``. Dividing by a standard error would change
    nothing: the sum of squares is the same for all signs.

    Args:
        differences: One for each pair; at least one. Sorted, if the order of the rows is not to
            decide which of them a random flip meets.
        weights: Positive; their scale does not matter.
        resampling: Level, seed and number of random flips.
    """
    d, w = differences, weights
    flips = sign_flips(len(d), resampling.num_resamples, resampling.seed)
    sums, sizes = flips @ (w * d), flips @ w
    sums[np.abs(sums) <= ZERO * float(np.abs(w * d).sum())] = 0.0
    empty = sizes == 0.0
    means = sums / np.where(empty, 1.0, sizes)
    # The empty subset is the observed arrangement: as extreme as itself in both directions.
    upward, downward = np.where(empty, -np.inf, means), np.where(empty, np.inf, means)
    count = len(means)
    tail = min(int((upward <= 0).sum()), int((downward >= 0).sum()))
    # The tolerance keeps 0.05 / 2 * 20,000 at 500 where the product is rounded below it.
    rank = int(resampling.alpha / 2 * count + 1e-9)
    return PermutationResult(
        p_value=min(1.0, 2 * tail / count),
        smallest_p=min(1.0, 2 / count),
        lo=float(np.partition(upward, rank)[rank]),
        hi=float(np.partition(downward, count - 1 - rank)[count - 1 - rank]),
        exact=2 ** len(d) <= EXACT_LIMIT,
    )
