"""Which differences of a report may be claimed: Holm adjusts over all of them, then verdicts."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np

from common.compare.differences import difference
from common.compare.estimates import (
    NUM_RESAMPLES,
    Difference,
    Estimate,
    false_alarm_rate,
    joined_notes,
)
from common.compare.means import mean_interval
from common.compare.measurements import (
    Measurement,
    Metric,
    Sample,
    compared,
    sample_of,
    share_units,
)
from common.compare.power import detectable_difference
from common.errors import InputError

Verdict = Literal["better", "worse", "no difference shown"]

RESAMPLES_PER_STEP = 20
"""Random arrangements are so many that Holm's hardest step is this many times the smallest p."""


@dataclass(frozen=True)
class Summary:
    """One variant's mean of one metric.

    Attributes:
        metric: Name of the metric.
        variant: Name of the variant.
        estimate: The mean with its interval; None if no run has a value.
        num_missing: Runs without a value.
        distance: The mean distance of runs from the metric's target; None if it has none.
    """

    metric: str
    variant: str
    estimate: Estimate | None
    num_missing: int
    distance: Estimate | None = None


@dataclass(frozen=True)
class Claim:
    """What a report says of one variant against the baseline in one metric.

    Attributes:
        metric: Name of the metric.
        variant: Name of the variant.
        baseline: Name of the variant that it is compared with.
        difference: ``variant - baseline``, of the distances from the target if the metric has one;
            its interval is not adjusted for other claims. None if the two have no run to compare.
        p_adjusted: Holm's p-value over all claims of the report.
        verdict: Better or worse if ``p_adjusted`` is at most the false-alarm rate.
        detectable: The smallest true difference that would probably have been shown, at the level
            of Holm's first step; None where these runs could not have shown any.
        num_dropped: Runs of the variant that were not used: failed, or without a partner.
        num_dropped_baseline: The same for the baseline.
        note: Cautions for the reader, empty if there are none.
    """

    metric: str
    variant: str
    baseline: str
    difference: Difference | None
    p_adjusted: float
    verdict: Verdict
    detectable: float | None
    num_dropped: int
    num_dropped_baseline: int
    note: str


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p-values, in the order given (Holm 1979).

    ``max_{j <= i} min(1, (m - j + 1) p_(j))`` over the rising p-values. Rejecting those at most
    ``alpha`` keeps the chance of any false claim at ``alpha`` under any dependence. Own code
    because `scipy.stats.false_discovery_control` controls another rate.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if not ((p >= 0) & (p <= 1)).all():
        raise InputError(f"p-values must be in [0, 1], got {list(p_values)}.")
    order = np.argsort(p, kind="stable")
    steps = np.minimum(1.0, (len(p) - np.arange(len(p))) * p[order])
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(steps)
    return tuple(float(x) for x in adjusted)


def summarise(
    measurements: Sequence[Measurement],
    metrics: Sequence[Metric],
    *,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Summary, ...]:
    """Each variant's mean of each metric: metrics as given, variants in order of their names."""
    rows: list[Summary] = []
    for metric in metrics:
        for variant in sorted({row.variant for row in measurements}):
            sample = sample_of(measurements, variant, metric.name)
            estimate = _mean(sample, level, seed, binary=metric.binary)
            off = None
            if metric.target is not None:
                off = _mean(compared(sample, metric), level, seed)
            rows.append(Summary(metric.name, variant, estimate, sample.num_missing, off))
    return tuple(rows)


def compare_all(
    measurements: Sequence[Measurement],
    metrics: Sequence[Metric],
    baseline: str,
    *,
    level: float = 0.95,
    seed: int = 0,
    power: float = 0.8,
) -> tuple[Claim, ...]:
    """Compares every other variant with the baseline in every metric.

    Args:
        measurements: The table; the order of its rows does not matter.
        metrics: Those that claims are made of. Each adds to the number that Holm adjusts for, so
            name only metrics that a decision rests on.
        baseline: Name of the variant that the others are compared with.
        level: Confidence level, in (0, 1); ``1 - level`` is the chance of any false claim.
        seed: Of the random arrangements.
        power: For `Claim.detectable`, in (1 - level, 1).

    Returns:
        A claim for each metric (as given) and variant (in the order of their names).

    Raises:
        InputError: The baseline has no row, or a unit has two values.
    """
    variants = sorted({row.variant for row in measurements})
    if baseline not in variants:
        raise InputError(f"baseline '{baseline}' was not run; there are {', '.join(variants)}.")
    others = [variant for variant in variants if variant != baseline]
    count = len(metrics) * len(others)
    if count == 0:
        return ()
    step = false_alarm_rate(level) / count
    num_resamples = max(NUM_RESAMPLES, ceil(2 * RESAMPLES_PER_STEP / step) - 1)
    drafts = []
    for metric in metrics:
        reference = compared(sample_of(measurements, baseline, metric.name), metric)
        for variant in others:
            sample = compared(sample_of(measurements, variant, metric.name), metric)
            found = _difference(sample, reference, level, seed, num_resamples)
            drafts.append((metric, variant, sample, reference, found))
    adjusted = holm([1.0 if found is None else found.p_value for *_, found in drafts])
    return tuple(
        Claim(
            metric=metric.name,
            variant=variant,
            baseline=baseline,
            difference=found,
            p_adjusted=p,
            verdict=_verdict(metric, found, p, level),
            detectable=_detectable(found, step, power),
            num_dropped=len(sample.planned) - (found.n_a if found else 0),
            num_dropped_baseline=len(reference.planned) - (found.n_b if found else 0),
            note=_note(found, step),
        )
        for (metric, variant, sample, reference, found), p in zip(drafts, adjusted, strict=True)
    )


def _mean(sample: Sample, level: float, seed: int, *, binary: bool = False) -> Estimate | None:
    """The mean of a sample with its interval; None if no run has a value."""
    if not sample.values:
        return None
    values = list(sample.values.values())
    return mean_interval(values, _prompts(sample), level=level, seed=seed, binary=binary)


def _prompts(sample: Sample) -> list[str]:
    return [unit.prompt for unit in sample.values]


def _difference(
    a: Sample, b: Sample, level: float, seed: int, num_resamples: int
) -> Difference | None:
    if share_units(a, b):
        units = [unit for unit in a.values if unit in b.values]
        if not units:
            return None
        return difference(
            [a.values[unit] for unit in units],
            [b.values[unit] for unit in units],
            paired=True,
            clusters_a=[unit.prompt for unit in units],
            level=level,
            seed=seed,
            num_resamples=num_resamples,
        )
    if not a.values or not b.values:
        return None
    return difference(
        list(a.values.values()),
        list(b.values.values()),
        paired=False,
        clusters_a=_prompts(a),
        clusters_b=_prompts(b),
        level=level,
        seed=seed,
        num_resamples=num_resamples,
    )


def _verdict(metric: Metric, found: Difference | None, p: float, level: float) -> Verdict:
    if found is None or p > false_alarm_rate(level) or found.value == 0:
        return "no difference shown"
    return "better" if (found.value > 0) == (metric.better == "higher") else "worse"


def _detectable(found: Difference | None, step: float, power: float) -> float | None:
    if found is None or found.standard_error is None or found.smallest_p > step:
        return None
    return detectable_difference(
        found.standard_error, found.degrees_of_freedom, power=power, level=1 - step
    )


def _note(found: Difference | None, step: float) -> str:
    if found is None:
        return "no runs to compare"
    if found.smallest_p <= step:
        return found.note
    return joined_notes(
        f"too few units for so many claims: p can be {found.smallest_p:.2g} at best, {step:.2g} "
        "may be needed; add seeds or prompts, or name fewer metrics",
        found.note,
    )
