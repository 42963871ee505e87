"""The difference of two means, with a test and an interval that hold for few runs."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from common.compare.estimates import (
    NUM_RESAMPLES,
    Difference,
    Population,
    Resampling,
    Values,
    checked_values,
    joined_notes,
    student_interval,
)
from common.compare.prompts import (
    Labels,
    cluster_index,
    cluster_means,
    fixed_prompts_note,
    population_of,
)
from common.compare.regrouping import Strata, group_error, regroup_test
from common.compare.sign_flip import sign_flip_test
from common.errors import InputError

ROUNDING = 1e-12
"""Paired values that differ by less than this part of their size are equal."""

UNEQUAL_SIZES = 1.5
"""Ratio of the numbers of runs from which on a caution is given."""

Runs = dict[str, Float[np.ndarray, " ..."]]
"""The values of each prompt in rising order."""


def difference(
    a: Values,
    b: Values,
    *,
    paired: bool,
    clusters_a: Labels | None = None,
    clusters_b: Labels | None = None,
    level: float = 0.95,
    seed: int = 0,
    num_resamples: int = NUM_RESAMPLES,
) -> Difference:
    """The mean of ``a`` minus that of ``b``: the test of "no difference" and its interval.

    Paired runs: the sign-flip test (for rates this is McNemar's exact test). Separate runs: the
    studentised permutation test, within prompts if both ran the same few; if both ran the same
    many, or one seed each, the means of the prompts are paired. Prompts of which the two have less
    than half in common are two samples of prompts.

    The interval holds the differences that the same test does not reject, so 0 is outside exactly
    if ``p_value <= 1 - level``. Where the design is too small to reject at all (fewer than six
    pairs, or four runs against four, at 95 %) it is Student's and assumes normal values.

    Args:
        a: Values of one variant.
        b: Values of the other; if paired, of the same units in the same order.
        paired: Whether ``a[i]`` and ``b[i]`` are runs of the same unit (prompt and seed).
        clusters_a: Prompt of each value of ``a`` (and of ``b`` if paired).
        clusters_b: Prompt of each value of ``b``, if not paired.
        level: Confidence level, in (0, 1).
        seed: Of the random arrangements, where there are too many to visit all.
        num_resamples: Number of random arrangements.

    Raises:
        InputError: No values, not finite ones, or lists that do not fit each other.
    """
    resampling = Resampling(level, seed, num_resamples)
    x, y = checked_values(a, "a"), checked_values(b, "b")
    if paired:
        if clusters_b is not None:
            raise InputError("paired runs have the same prompts: give clusters_a only.")
        if len(x) != len(y):
            raise InputError(f"paired values must be equally many, got {len(x)} and {len(y)}.")
        return _paired(x, y, clusters_a, resampling)
    if clusters_a is None and clusters_b is None:
        return _regrouped([np.sort(x)], [np.sort(y)], "units", resampling)
    if clusters_a is None or clusters_b is None:
        raise InputError("separate runs need the prompts of both sides or of neither.")
    return _separate(_by_prompt(x, clusters_a), _by_prompt(y, clusters_b), resampling)


def _by_prompt(values: Float[np.ndarray, " n"], clusters: Labels) -> Runs:
    index, names = cluster_index(clusters, len(values))
    return {name: np.sort(values[index == i]) for i, name in enumerate(names)}


def _paired(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    clusters: Labels | None,
    resampling: Resampling,
) -> Difference:
    d, n = _rounded(x - y, x, y), len(x)
    if clusters is None:
        return _flipped(d, np.ones(n), (n, n), "units", resampling)
    index, names = cluster_index(clusters, n)
    population = population_of(len(names), n)
    if population == "prompts":
        means = cluster_means(d, index)
        return _flipped(means, np.ones(len(means)), (n, n), population, resampling)
    # Each prompt weighs the same, however many of its runs failed.
    return _flipped(d, 1.0 / np.bincount(index)[index], (n, n), population, resampling, len(names))


def _separate(a: Runs, b: Runs, resampling: Resampling) -> Difference:
    shared = sorted(a.keys() & b.keys())
    if 2 * len(shared) < min(len(a), len(b)) or not shared:
        means = [np.sort([x.mean() for x in runs.values()]) for runs in (a, b)]
        counts = (sum(map(len, a.values())), sum(map(len, b.values())))
        found = _regrouped([means[0]], [means[1]], "prompts", resampling)
        return replace(found, n_a=counts[0], n_b=counts[1])
    strata_a, strata_b = [a[name] for name in shared], [b[name] for name in shared]
    counts = (sum(map(len, strata_a)), sum(map(len, strata_b)))
    if population_of(len(shared), max(counts)) == "prompts":
        x = np.array([values.mean() for values in strata_a])
        y = np.array([values.mean() for values in strata_b])
        return _flipped(_rounded(x - y, x, y), np.ones(len(shared)), counts, "prompts", resampling)
    return _regrouped(strata_a, strata_b, "seeds", resampling)


def _rounded(
    d: Float[np.ndarray, " n"], x: Float[np.ndarray, " n"], y: Float[np.ndarray, " n"]
) -> Float[np.ndarray, " n"]:
    """The differences, with those that are rounding errors of equal values set to 0."""
    return np.where(np.abs(d) <= ROUNDING * np.maximum(np.abs(x), np.abs(y)), 0.0, d)


def _flipped(
    differences: Float[np.ndarray, " k"],
    weights: Float[np.ndarray, " k"],
    counts: tuple[int, int],
    population: Population,
    resampling: Resampling,
    num_fixed_prompts: int = 0,
) -> Difference:
    """Test and interval of independent differences, of runs or of the means of prompts."""
    order = np.lexsort((weights, differences))
    d, w = differences[order], weights[order] / weights[order].sum()
    k = len(d)
    value = float(d[0] if d[0] == d[-1] else (w * d).sum())
    error = float(np.sqrt((w**2 * (d - value) ** 2).sum() * k / (k - 1))) if k > 1 else None
    result = sign_flip_test(d, w, resampling)
    noun = "prompts" if population == "prompts" else "pairs"
    arrangements = "exact" if result.exact else f"{resampling.num_resamples} random flips"
    return _with_finite_interval(
        Difference(
            value=value,
            lo=result.lo,
            hi=result.hi,
            p_value=result.p_value,
            smallest_p=result.smallest_p,
            n_a=counts[0],
            n_b=counts[1],
            standard_error=error,
            degrees_of_freedom=k - 1.0,
            level=resampling.level,
            paired=True,
            method=f"sign-flip test over {k} {noun}, {arrangements}",
            population=population,
            note=fixed_prompts_note(num_fixed_prompts) if num_fixed_prompts else "",
        )
    )


def _regrouped(a: Strata, b: Strata, population: Population, resampling: Resampling) -> Difference:
    """Test and interval of separate runs (or means of prompts), stratum by stratum."""
    error, freedom = group_error(a, b)
    result = regroup_test(a, b, resampling)
    n_a, n_b = sum(map(len, a)), sum(map(len, b))
    fixed = fixed_prompts_note(len(a)) if population == "seeds" else ""
    noun = {
        "units": "runs",
        "seeds": f"runs within {len(a)} prompt{'s' * (len(a) > 1)}",
        "prompts": "prompts",
    }
    arrangements = "exact" if result.exact else f"{resampling.num_resamples} random regroupings"
    return _with_finite_interval(
        Difference(
            value=float(np.mean([x.mean() - y.mean() for x, y in zip(a, b, strict=True)])),
            lo=result.lo,
            hi=result.hi,
            p_value=result.p_value,
            smallest_p=result.smallest_p,
            n_a=n_a,
            n_b=n_b,
            standard_error=error if freedom > 0 else None,
            degrees_of_freedom=freedom,
            level=resampling.level,
            paired=False,
            method=f"permutation test of {n_a} against {n_b} {noun[population]}, {arrangements}",
            population=population,
            note=joined_notes(fixed, _sizes_note(n_a, n_b)),
        )
    )


def _sizes_note(n_a: int, n_b: int) -> str:
    if max(n_a, n_b) < UNEQUAL_SIZES * min(n_a, n_b):
        return ""
    return (
        f"{n_a} against {n_b}: should their spreads differ too, false alarms can be twice as many"
    )


def _with_finite_interval(found: Difference) -> Difference:
    """Gives Student's interval, or none, where the test is too small to reject anything."""
    assert found.lo is not None
    assert found.hi is not None
    if np.isfinite([found.lo, found.hi]).all():
        # Rounding must not put the difference a hair outside its own interval.
        return replace(found, lo=min(found.lo, found.value), hi=max(found.hi, found.value))
    if found.standard_error is None:
        note = "one unit has no spread: add seeds or prompts"
        return replace(found, lo=None, hi=None, note=joined_notes(note, found.note))
    lo, hi = student_interval(
        found.value, found.standard_error, found.degrees_of_freedom, found.level
    )
    note = f"too few units to show a difference at {found.level:.4g}: interval of normal values"
    return replace(
        found,
        lo=lo,
        hi=hi,
        method=f"{found.method}; Student's interval",
        note=joined_notes(note, found.note),
    )
