"""The mean of a metric with a confidence interval that holds for few runs."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from common.compare.bootstrap import studentised_interval
from common.compare.estimates import (
    NUM_RESAMPLES,
    Estimate,
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
    stratified_error,
)
from common.compare.rates import effective_size, wilson_interval
from common.errors import InputError

FEWEST_BOOTSTRAP = 5
"""Independent values from which on the bootstrap is used; with fewer, Student's t."""

ROUNDING = 1e-12
"""Values that differ by less than this part of their size are equal."""


@dataclass(frozen=True)
class _Interval:
    lo: float | None
    hi: float | None
    method: str
    note: str = ""


def mean_interval(
    values: Values,
    clusters: Labels | None = None,
    *,
    level: float = 0.95,
    seed: int = 0,
    binary: bool = False,
    num_resamples: int = NUM_RESAMPLES,
) -> Estimate:
    """The mean, with the studentised bootstrap's interval or, for rates, Wilson's.

    Two to four independent values give Student's interval, one gives none. The order of the values
    does not matter.

    Args:
        values: At least one, finite.
        clusters: Prompt of each value; the mean is then that of the prompts' means. From
            `FEWEST_PROMPTS` prompts on, these are the independent values; with fewer the prompts
            are fixed, and the interval holds for new seeds of them.
        level: Confidence level, in (0, 1).
        seed: Of the resampling.
        binary: Whether the values are 0 or 1 and the mean is a rate.
        num_resamples: Number of bootstrap resamples.

    Raises:
        InputError: No values, not finite ones, or other than 0 and 1 for a rate.
    """
    resampling = Resampling(level, seed, num_resamples)
    x = checked_values(values, "values")
    if binary and not np.isin(x, (0.0, 1.0)).all():
        odd = float(x[~np.isin(x, (0.0, 1.0))][0])
        raise InputError(f"a binary metric is 0 or 1 for each run, but one value is {odd:.6g}.")
    if clusters is None:
        found = _sample_interval(np.sort(x), len(x), binary, resampling)
        return Estimate(
            _mean(x), found.lo, found.hi, len(x), None, level, found.method, "units", found.note
        )
    index, names = cluster_index(clusters, len(x))
    # Sorted, so that all sums come out the same to the bit for any order of the rows.
    order = np.lexsort((x, index))
    x, index = x[order], index[order]
    means, population = cluster_means(x, index), population_of(len(names), len(x))
    if population == "prompts":
        found = _sample_interval(np.sort(means), len(x), binary, resampling)
    else:
        found = _fixed_prompts_interval(x, index, binary, resampling)
    return Estimate(
        value=_mean(means),
        lo=found.lo,
        hi=found.hi,
        n=len(x),
        num_clusters=len(names),
        level=level,
        method=found.method,
        population=population,
        note=found.note,
    )


def _mean(values: Float[np.ndarray, " n"]) -> float:
    """The mean, the same to the bit for any order, and exact where all values are equal."""
    ordered = np.sort(values)
    return float(ordered[0] if ordered[0] == ordered[-1] else ordered.mean())


def _sample_interval(
    blocks: Float[np.ndarray, " k"], num_values: int, binary: bool, resampling: Resampling
) -> _Interval:
    """Of independent blocks in rising order: the values themselves, or the prompts' means."""
    count = len(blocks)
    over = f"over {count} {'values' if count == num_values else 'prompts'}"
    if binary:
        same = count == num_values
        size = float(count) if same else effective_size(blocks, num_values, resampling.level)
        lo, hi = wilson_interval(float(blocks.mean()), size, resampling.level)
        return _Interval(lo, hi, f"Wilson {over}, worth {size:.4g} independent runs")
    if count == 1:
        return _Interval(None, None, "none", "one value has no spread: add seeds or prompts")
    if blocks[-1] - blocks[0] <= ROUNDING * max(abs(blocks[0]), abs(blocks[-1])):
        constant = _mean(blocks)
        return _Interval(constant, constant, f"constant {over}", "all values are equal")
    if count < FEWEST_BOOTSTRAP:
        error = float(blocks.std(ddof=1)) / count**0.5
        lo, hi = student_interval(float(blocks.mean()), error, count - 1.0, resampling.level)
        return _Interval(lo, hi, f"Student's t {over}", f"assumes normal values: {count} are few")
    lo, hi = studentised_interval(blocks, resampling)
    return _Interval(lo, hi, f"studentised bootstrap {over}")


def _fixed_prompts_interval(
    values: Float[np.ndarray, " n"],
    index: Int[np.ndarray, " n"],
    binary: bool,
    resampling: Resampling,
) -> _Interval:
    """Of the mean over prompts that are too few to be a sample: only the seeds are random."""
    num_prompts = int(index.max()) + 1
    note = fixed_prompts_note(num_prompts)
    if num_prompts == 1:
        found = _sample_interval(np.sort(values), len(values), binary, resampling)
        return replace(found, note=joined_notes(found.note, note))
    mean = float(cluster_means(values, index).mean())
    if binary:
        # Runs of one prompt vary less than runs of all, so this is on the safe side.
        lo, hi = wilson_interval(mean, float(len(values)), resampling.level)
        return _Interval(lo, hi, f"Wilson over {len(values)} values", note)
    error, freedom = stratified_error(values, index)
    lo, hi = student_interval(mean, error, freedom, resampling.level)
    return _Interval(lo, hi, f"Student's t within {num_prompts} prompts", note)
