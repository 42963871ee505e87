"""The studentised permutation test of two groups of runs, and the interval that belongs to it.

Under "no difference" the runs of both groups are exchangeable, so every regrouping is equally
likely and the test is exact. The statistic is Welch's t, not the plain difference: with it the test
keeps its level, asymptotically, also when only the means are equal and variances and sizes are not
(Janssen 1997; Chung and Romano 2013). Runs are exchanged within strata (the same prompt) only; one
stratum is the ordinary two-sample test. Own code beside `scipy.stats.permutation_test` (with which
the p-values agree) because the interval needs the statistic of all regroupings at many shifts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, prod

import numpy as np
from jaxtyping import Float

from common.compare.arrangements import EXACT_LIMIT, PermutationResult, regroupings

SMALLEST_VARIANCE = 1e-6
"""Floor of the groups' variance as a part of the variance of all: Welch's t saturates there.

A regrouping of ties can leave both groups constant; t then stays finite, and ties stay ties.
"""

TIE = 1e-6
"""Statistics this close, relative to 1 + |t|, are equal: rounding at the floor is 1e-7 of t."""

EDGE = 1e-5
"""The interval's ends are found to this part of the standard error."""

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
    squares: Float[np.ndarray, " b"]
    crosses: Float[np.ndarray, " b"]
    total_sums: Float[np.ndarray, " s"]
    total_square: float
    total_cross: float


def group_error(a: Strata, b: Strata) -> tuple[float, float]:
    """Standard error of the mean over strata of ``mean(a) - mean(b)``, and degrees of freedom.

    With one stratum these are Welch's. The freedom is 0 where there is one run in every place; the
    error means nothing then.
    """
    sizes_a, sizes_b = _sizes(a), _sizes(b)
    squares = [np.array([sum(float(x.var()) * len(x) for x in group)]) for group in (a, b)]
    variances = _group_variances(squares[0], squares[1], sizes_a, sizes_b)
    total = float(variances.sum())
    freedoms = [float(sizes.sum()) - len(sizes) for sizes in (sizes_a, sizes_b)]
    if min(freedoms) == 0 or total == 0.0:
        return float(np.sqrt(total)), sum(freedoms)
    shares = variances[:, 0] / total
    return float(np.sqrt(total)), float(1 / (shares**2 / freedoms).sum())


def regroup_test(
    a: Strata, b: Strata, level: float, seed: int, num_resamples: int
) -> PermutationResult:
    """Tests "the mean over strata of ``mean(a) - mean(b)`` is 0" and inverts the test.

    The interval holds all ``delta`` for which the test of ``a`` against ``b + delta`` does not
    reject; 0 is outside exactly if ``p <= 1 - level``.

    Args:
        a: Values of the first group in each stratum.
        b: Values of the second group in the same strata.
        level: Confidence level, in (0, 1).
        seed: Of the random regroupings, where there are too many for all.
        num_resamples: Number of random regroupings.
    """
    sizes = tuple((len(x), len(y)) for x, y in zip(a, b, strict=True))
    groups = regroupings(sizes, num_resamples, seed)
    exact = prod(comb(x + y, x) for x, y in sizes) <= EXACT_LIMIT
    smallest = min(1.0, 2 / len(groups))
    estimate = float(np.mean([x.mean() - y.mean() for x, y in zip(a, b, strict=True)]))
    largest = max(float(np.abs(x).max()) for x in (*a, *b))
    residuals = _aligned(a, b, estimate)
    scale = float(np.sqrt(np.mean(np.concatenate(residuals) ** 2)))
    if scale <= CONSTANT * largest:
        # Constant groups: every other difference is as far out as can be.
        p = 1.0 if abs(estimate) <= CONSTANT * largest else smallest
        return PermutationResult(p, smallest, estimate, estimate, exact)
    moments = _moments([x / scale for x in residuals], _sizes(a), _sizes(b), groups)
    at_zero = -estimate / scale
    p = 2 * min(_tail(moments, at_zero, 1), _tail(moments, at_zero, -1))
    lo, hi = -np.inf, np.inf
    if smallest <= 1 - level:
        lo = estimate + scale * _edge(moments, at_zero, 1, (1 - level) / 2)
        hi = estimate + scale * _edge(moments, at_zero, -1, (1 - level) / 2)
    return PermutationResult(min(1.0, p), smallest, lo, hi, exact)


def _sizes(group: Strata) -> Float[np.ndarray, " s"]:
    return np.array([len(x) for x in group], dtype=np.float64)


def _aligned(a: Strata, b: Strata, estimate: float) -> list[Float[np.ndarray, " ..."]]:
    """In each stratum ``a`` and ``b + estimate``, centred; sorted, so that row order is nothing.

    Centring changes no difference of means and keeps large offsets from cancelling digits.
    """
    joined = [
        np.concatenate([np.sort(x), np.sort(y) + estimate]) for x, y in zip(a, b, strict=True)
    ]
    return [x - x.mean() for x in joined]


def _moments(
    values: Strata,
    sizes_a: Float[np.ndarray, " s"],
    sizes_b: Float[np.ndarray, " s"],
    groups: Float[np.ndarray, "b n"],
) -> Regrouped:
    ends = np.cumsum(sizes_a + sizes_b).astype(int)[:-1]
    from_b = [np.arange(len(x)) >= size for x, size in zip(values, sizes_a, strict=True)]
    parts = np.split(groups, ends, axis=1)
    flat, flat_b = np.concatenate(values), np.concatenate(from_b)
    sums = np.stack([part @ x for part, x in zip(parts, values, strict=True)], axis=1)
    return Regrouped(
        sizes_a=sizes_a,
        sizes_b=sizes_b,
        sums=sums,
        moved=np.stack([part @ x for part, x in zip(parts, from_b, strict=True)], axis=1),
        squares=groups @ flat**2,
        crosses=groups @ (flat * flat_b),
        total_sums=np.array([x.sum() for x in values]),
        total_square=float((flat**2).sum()),
        total_cross=float(flat[flat_b].sum()),
    )


def _group_variances(
    squares_a: Float[np.ndarray, " b"],
    squares_b: Float[np.ndarray, " b"],
    sizes_a: Float[np.ndarray, " s"],
    sizes_b: Float[np.ndarray, " s"],
) -> Float[np.ndarray, "2 b"]:
    """Squared standard errors of the two groups' means over strata.

    A group's variance is pooled over strata, ``V = squares / (n - s)``, and enters with
    ``V sum_i 1 / n_i / s^2``. Where a group has one run in each stratum and so no variance of its
    own, both share one; where there is none at all it is set to 1.
    """
    num_strata = len(sizes_a)
    squares = np.stack([squares_a, squares_b])
    freedoms = np.array([[sizes_a.sum()], [sizes_b.sum()]]) - num_strata
    factors = np.array([[(1 / sizes_a).sum()], [(1 / sizes_b).sum()]]) / num_strata**2
    if freedoms.sum() == 0:
        return factors * np.ones_like(squares)
    if freedoms.min() == 0:
        return factors * squares.sum(axis=0) / freedoms.sum()
    return factors * squares / freedoms


def _statistic(moments: Regrouped, shift: float) -> Float[np.ndarray, " b"]:
    """Welch's t of all regroupings when ``b`` is shifted."""
    sizes_a, sizes_b = moments.sizes_a, moments.sizes_b
    sums_a = moments.sums + shift * moments.moved
    totals = moments.total_sums + shift * sizes_b
    sums_b = totals - sums_a
    difference = (sums_a / sizes_a - sums_b / sizes_b).mean(axis=1)
    moved = moments.moved.sum(axis=1)
    squares = moments.squares + 2 * shift * moments.crosses + shift**2 * moved
    total = moments.total_square + 2 * shift * moments.total_cross + shift**2 * sizes_b.sum()
    within_a = squares - (sums_a**2 / sizes_a).sum(axis=1)
    within_b = total - squares - (sums_b**2 / sizes_b).sum(axis=1)
    error = _group_variances(within_a, within_b, sizes_a, sizes_b).sum(axis=0)
    within = np.array([total - (totals**2 / (sizes_a + sizes_b)).sum()])
    floor = SMALLEST_VARIANCE * _group_variances(within, within, sizes_a, sizes_b).sum()
    return difference / np.sqrt(np.maximum(error, floor))


def _tail(moments: Regrouped, shift: float, side: int) -> float:
    """Part of the regroupings at least as far to one side (1: up, -1: down) as the observed one."""
    t = side * _statistic(moments, shift)
    return float((t >= t[0] - TIE * (1 + abs(t[0]))).mean())


def _edge(moments: Regrouped, at_zero: float, side: int, tail: float) -> float:
    """The shift farthest from the estimate that is not rejected: below it (side 1) or above (-1).

    Searched outwards, then by bisection. The shift that stands for "no difference" is tried first
    and stays on its side, so that test and interval agree where the tail is not quite monotone.
    """
    unit = float(np.sqrt((1 / moments.sizes_a + 1 / moments.sizes_b).sum())) / len(moments.sizes_a)
    inner, outer, limit = 0.0, -side * 4 * unit, -side * np.inf
    if side * at_zero < 0:
        if _tail(moments, at_zero, side) <= tail:
            limit = at_zero
        else:
            inner, outer = at_zero, at_zero + outer
    while abs(outer) < abs(limit) and _tail(moments, outer, side) > tail:
        inner, outer = outer, 2 * outer
        if abs(outer) > 1e12 * unit:
            return -side * np.inf
    outer = -side * min(abs(outer), abs(limit))
    while abs(outer - inner) > EDGE * unit + CONSTANT * abs(outer):
        middle = (outer + inner) / 2
        if _tail(moments, middle, side) <= tail:
            outer = middle
        else:
            inner = middle
    return inner
