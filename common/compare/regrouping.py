"""The studentised permutation test of two groups of runs, and the interval that belongs to it.

Under "no difference" the runs of both groups are exchangeable, so every regrouping is equally
likely and the test is exact. The statistic is Welch's t, not the plain difference: with it the test
keeps its level, asymptotically, also when only the means are equal and variances and sizes are not
(Janssen 1997; Chung and Romano 2013): 8 runs against 8 with three times the spread give 6.3 % false
alarms. Groups of unequal size and spread are the hard case: 16 runs with three times the spread
against 64 give 8.3 %.

Runs are exchanged within strata (the same prompt) only; one stratum is the ordinary two-sample
test. Own code beside `scipy.stats.permutation_test` (with which the p-values agree) because the
interval needs the statistic of all regroupings at many shifts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, prod

import numpy as np
from jaxtyping import Float

from common.compare.arrangements import EXACT_LIMIT, PermutationResult, regroupings
from common.compare.estimates import Resampling

SMALLEST_PART = 1e-6
"""Floor of a group's sum of squares as a part of that of all runs: Welch's t saturates there.

A regrouping of ties can leave both groups constant; t then stays finite, and ties stay ties.
"""

TIE = 1e-6
"""Statistics this close, relative to 1 + |t|, are equal: rounding at the floor is 1e-7 of t."""

EDGE = 1e-3
"""The interval's ends are found to this part of the standard error: random arrangements alone
leave them uncertain by 0.02 of it.
"""

CONSTANT = 1e-12
"""A spread this small beside the values themselves is rounding error."""

Strata = Sequence[Float[np.ndarray, " ..."]]
"""The values of one group, stratum by stratum; each at least one value."""


@dataclass(frozen=True)
class Regrouped:
    """Moments of all regroupings, quadratic in the shift that is given to the runs of ``b``.

    The axes are ``b`` arrangements and ``s`` strata. Values are standardised; the shift is relative
    to the estimate, at which the observed groups have equal means.

    Attributes:
        sizes_a: Runs in the first group of each stratum.
        sizes_b: Runs in the second group.
        sums: Sum of the first group's values.
        moved: Number of ``b``'s runs in the first group.
        all_moved: The same over all strata.
        squares: Sum of the first group's squared values.
        crosses: Sum of the values of ``b``'s runs in the first group.
        total_sums: Sum over both groups in each stratum.
        total_square: Sum of all squared values.
        total_cross: Sum of the values of all of ``b``'s runs.
    """

    sizes_a: Float[np.ndarray, " s"]
    sizes_b: Float[np.ndarray, " s"]
    sums: Float[np.ndarray, "b s"]
    moved: Float[np.ndarray, "b s"]
    all_moved: Float[np.ndarray, " b"]
    squares: Float[np.ndarray, " b"]
    crosses: Float[np.ndarray, " b"]
    total_sums: Float[np.ndarray, " s"]
    total_square: float
    total_cross: float


def group_error(a: Strata, b: Strata) -> tuple[float, float]:
    """Standard error of the mean over strata of ``mean(a) - mean(b)``, and degrees of freedom.

    With one stratum both are Welch's. With one run in every place there are none, and 0 and 0 are
    given.
    """
    sizes_a, sizes_b = _sizes(a), _sizes(b)
    weights = _error_weights(sizes_a, sizes_b)
    freedoms = [float(sizes.sum()) - len(sizes) for sizes in (sizes_a, sizes_b)]
    squares = [sum(float(x.var()) * len(x) for x in group) for group in (a, b)]
    terms = np.array(weights) * squares
    total = float(terms.sum())
    if min(freedoms) == 0 or total == 0.0:
        return float(np.sqrt(total)), sum(freedoms)
    return float(np.sqrt(total)), float(1 / ((terms / total) ** 2 / freedoms).sum())


def regroup_test(a: Strata, b: Strata, resampling: Resampling) -> PermutationResult:
    """Tests "the mean over strata of ``mean(a) - mean(b)`` is 0" and inverts the test.

    The interval holds all ``delta`` for which the test of ``a`` against ``b + delta`` does not
    reject; 0 is outside exactly if ``p <= 1 - level``.

    Args:
        a: Values of the first group in each stratum. Sorted, if the order of the rows is not to
            decide which of them a random regrouping moves.
        b: Values of the second group in the same strata, likewise.
        resampling: Level, seed and number of random regroupings.
    """
    sizes = tuple((len(x), len(y)) for x, y in zip(a, b, strict=True))
    groups = regroupings(sizes, resampling.num_resamples, resampling.seed)
    exact = prod(comb(x + y, x) for x, y in sizes) <= EXACT_LIMIT
    smallest = min(1.0, 2 / len(groups))
    estimate = float(np.mean([x.mean() - y.mean() for x, y in zip(a, b, strict=True)]))
    largest = max(float(np.abs(x).max()) for x in (*a, *b))
    residuals = _aligned(a, b, estimate)
    scale = float(np.sqrt(np.mean(np.concatenate(residuals) ** 2)))
    if scale <= CONSTANT * largest:
        # Constant groups: every other difference is as far out as can be.
        p = 1.0 if abs(estimate) <= CONSTANT * largest else smallest
        reach = 0.0 if smallest <= resampling.alpha else np.inf
        return PermutationResult(p, smallest, estimate - reach, estimate + reach, exact)
    moments = _moments([x / scale for x in residuals], _sizes(a), _sizes(b), groups)
    at_zero = -estimate / scale
    p = 2 * min(_tails(moments, at_zero))
    lo, hi = -np.inf, np.inf
    if smallest <= resampling.alpha:
        edges = (
            _edge(moments, at_zero, -1, resampling.alpha / 2),
            _edge(moments, at_zero, 1, resampling.alpha / 2),
        )
        # An end at the shift of "no difference" is 0 itself, not what rounding leaves of it.
        lo, hi = (0.0 if x == at_zero else estimate + scale * x for x in edges)
    return PermutationResult(min(1.0, p), smallest, lo, hi, exact)


def _sizes(group: Strata) -> Float[np.ndarray, " s"]:
    return np.array([len(x) for x in group], dtype=np.float64)


def _aligned(a: Strata, b: Strata, estimate: float) -> list[Float[np.ndarray, " ..."]]:
    """In each stratum ``a`` and ``b + estimate``, centred.

    Centring changes no difference of means and keeps large offsets from cancelling digits.
    """
    joined = [np.concatenate([x, y + estimate]) for x, y in zip(a, b, strict=True)]
    return [x - x.mean() for x in joined]


def _moments(
    values: Strata,
    sizes_a: Float[np.ndarray, " s"],
    sizes_b: Float[np.ndarray, " s"],
    groups: Float[np.ndarray, "b n"],
) -> Regrouped:
    num_strata, lengths = len(values), (sizes_a + sizes_b).astype(int)
    flat = np.concatenate(values)
    stratum = np.repeat(np.eye(num_strata), lengths, axis=0)
    from_b = np.concatenate(
        [
            np.repeat([0.0, 1.0], [len(x) - int(n), int(n)])
            for x, n in zip(values, sizes_b, strict=True)
        ]
    )
    # All sums over the first group in one product.
    columns = np.column_stack(
        [flat[:, None] * stratum, from_b[:, None] * stratum, flat**2, flat * from_b]
    )
    products = groups @ columns
    moved = products[:, num_strata : 2 * num_strata]
    return Regrouped(
        sizes_a=sizes_a,
        sizes_b=sizes_b,
        sums=products[:, :num_strata],
        moved=moved,
        all_moved=moved.sum(axis=1),
        squares=products[:, -2],
        crosses=products[:, -1],
        total_sums=flat @ stratum,
        total_square=float(flat @ flat),
        total_cross=float(flat @ from_b),
    )


def _error_weights(
    sizes_a: Float[np.ndarray, " s"], sizes_b: Float[np.ndarray, " s"]
) -> tuple[float, float]:
    """What each group's sum of squares within strata adds to the squared standard error.

    A group's variance is pooled over strata, ``V = squares / (n - s)``, and enters with
    ``V sum_i 1 / n_i / s^2``. Where a group has one run in each stratum and so no variance of its
    own, both share one; where neither has, nothing is added.
    """
    factor_a, factor_b = (float((1 / n).sum()) / len(n) ** 2 for n in (sizes_a, sizes_b))
    freedom_a, freedom_b = (float(n.sum()) - len(n) for n in (sizes_a, sizes_b))
    if min(freedom_a, freedom_b) > 0:
        return factor_a / freedom_a, factor_b / freedom_b
    shared = (factor_a + factor_b) / max(freedom_a + freedom_b, 1.0)
    return shared, shared


def _statistic(moments: Regrouped, shift: float) -> Float[np.ndarray, " b"]:
    """Welch's t of all regroupings when ``b`` is shifted."""
    per_a, per_b = 1 / moments.sizes_a, 1 / moments.sizes_b
    weight_a, weight_b = _error_weights(moments.sizes_a, moments.sizes_b)
    sums = moments.sums + shift * moments.moved
    totals = moments.total_sums + shift * moments.sizes_b
    difference = (sums @ (per_a + per_b) - (totals * per_b).sum()) / len(per_a)
    squares = moments.squares + shift * (2 * moments.crosses + shift * moments.all_moved)
    total = moments.total_square + shift * (2 * moments.total_cross + shift * moments.sizes_b.sum())
    # Sums of squares within strata: of all runs, of the first group and of the second.
    within = total - (totals**2 / (moments.sizes_a + moments.sizes_b)).sum()
    within_a = squares - sums**2 @ per_a
    within_b = total - squares - (totals - sums) ** 2 @ per_b
    floor = SMALLEST_PART * within
    error = weight_a * np.maximum(within_a, floor) + weight_b * np.maximum(within_b, floor)
    return difference / np.sqrt(error)


def _tails(moments: Regrouped, shift: float) -> tuple[float, float]:
    """Parts of the regroupings at least as far up, and at least as far down, as the observed."""
    t = _statistic(moments, shift)
    tie = TIE * (1 + abs(t[0]))
    count = len(t)
    return np.count_nonzero(t >= t[0] - tie) / count, np.count_nonzero(t <= t[0] + tie) / count


def _edge(moments: Regrouped, at_zero: float, side: int, tail: float) -> float:
    """The shift farthest from the estimate on one side (-1: below, 1: above) that is not rejected.

    Searched outwards, then by bisection. The shift that stands for "no difference" is tried first
    and stays on its side, so that test and interval agree where the tail is not quite monotone.
    """
    # Below the estimate the observed difference is too far up, above it too far down.
    which = 0 if side < 0 else 1
    unit = float(np.sqrt((1 / moments.sizes_a + 1 / moments.sizes_b).sum())) / len(moments.sizes_a)
    inner, outer, limit = 0.0, side * 4 * unit, side * np.inf
    if side * at_zero > 0:
        if _tails(moments, at_zero)[which] <= tail:
            limit = at_zero
        else:
            inner, outer = at_zero, at_zero + outer
    while abs(outer) < abs(limit) and _tails(moments, outer)[which] > tail:
        inner, outer = outer, 2 * outer
        if abs(outer) > 1e12 * unit:
            return side * np.inf
    outer = side * min(abs(outer), abs(limit))
    while abs(outer - inner) > EDGE * unit + CONSTANT * abs(outer):
        middle = (outer + inner) / 2
        if _tails(moments, middle)[which] <= tail:
            outer = middle
        else:
            inner = middle
    return inner
