"""The difference of two means, with a test and an interval that hold for few runs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from common.compare.arrangements import PermutationResult
from common.compare.estimates import (
    NUM_RESAMPLES,
    Difference,
    Population,
    Values,
    check_level,
    checked_values,
    student_interval,
)
from common.compare.prompts import (
    Labels,
    cluster_index,
    cluster_means,
    fixed_prompts_note,
    population_of,
)
from common.compare.regrouping import group_error, regroup_test
from common.compare.sign_flip import sign_flip_test
from common.errors import InputError

ROUNDING = 1e-12
"""Paired values that differ by less than this part of their size are equal."""


@dataclass(frozen=True)
class _Arm:
    """One side of a comparison of separate runs, with the index of each run's prompt."""

    values: Float[np.ndarray, " n"]
    index: Int[np.ndarray, " n"]
    prompts: list[str]

    def within(self, prompts: list[str]) -> list[Float[np.ndarray, " m"]]:
        return [np.sort(self.values[self.index == self.prompts.index(p)]) for p in prompts]


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
    check_level(level)
    x, y = checked_values(a, "a"), checked_values(b, "b")
    if paired:
        if clusters_b is not None:
            raise InputError("paired runs have the same prompts: give clusters_a only.")
        return _paired(x, y, clusters_a, level, seed, num_resamples)
    if clusters_a is None and clusters_b is None:
        return _regrouped([x], [y], "units", level, seed, num_resamples)
    if clusters_a is None or clusters_b is None:
        raise InputError("separate runs need the prompts of both sides or of neither.")
    return _separate(
        _Arm(x, *cluster_index(clusters_a, len(x))),
        _Arm(y, *cluster_index(clusters_b, len(y))),
        level,
        seed,
        num_resamples,
    )


def _paired(
    x: Float[np.ndarray, " n"],
    y: Float[np.ndarray, " n"],
    clusters: Labels | None,
    level: float,
    seed: int,
    num_resamples: int,
) -> Difference:
    if len(x) != len(y):
        raise InputError(f"paired values must be equally many, got {len(x)} and {len(y)}.")
    d = x - y
    d[np.abs(d) <= ROUNDING * np.maximum(np.abs(x), np.abs(y))] = 0.0
    counts = (len(d), len(d))
    if clusters is None:
        return _flipped(d, np.ones_like(d), counts, "units", "", level, seed, num_resamples)
    index, names = cluster_index(clusters, len(d))
    population = population_of(len(names), len(d))
    if population == "prompts":
        means = cluster_means(d, index)
        return _flipped(
            means, np.ones_like(means), counts, population, "", level, seed, num_resamples
        )
    # Each prompt weighs the same, however many of its runs failed.
    weights = 1.0 / np.bincount(index)[index]
    note = fixed_prompts_note(len(names))
    return _flipped(d, weights, counts, population, note, level, seed, num_resamples)
