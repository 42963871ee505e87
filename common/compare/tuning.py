"""Each variant at its best: values chosen by runs of their own, before the comparison.

The runs that choose have other seeds than the runs that are compared. Otherwise a variant with more
values to choose from would look better by luck alone.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from common.compare.config import CompareConfig, MetricConfig, Tuning, Variant
from common.compare.measurements import Measurement, Metric
from common.errors import InputError

_SEED_SHIFT = 1_000_000
"""From the comparison's seeds to those of tuning; a comparison has fewer runs than that."""


@dataclass(frozen=True)
class Choice:
    """What was tried for one variant, and what was best."""

    label: str
    points: tuple[Mapping[str, Any], ...]
    """Keys and values of each combination."""
    values: tuple[float | None, ...]
    """Mean of the metric for each; None where no run finished."""
    best: int
    """Index of the combination that was taken."""

    @property
    def at_edge(self) -> tuple[str, ...]:
        """Keys whose chosen value is the first or the last that was tried, of three or more."""
        found = []
        for key, chosen in self.points[self.best].items():
            tried = list(dict.fromkeys(json.dumps(point[key]) for point in self.points))
            if len(tried) > 2 and json.dumps(chosen) in (tried[0], tried[-1]):
                found.append(key)
        return tuple(found)


def tuning_config(config: CompareConfig) -> CompareConfig | None:
    """The comparison that chooses; None where nothing is to be chosen."""
    tuning = config.tuning
    if tuning is None:
        return None
    variants = []
    for variant in config.run_variants:
        points = _points(variant, tuning)
        for index, point in enumerate(points if len(points) > 1 else ()):
            label = _label(variant, index)
            changes = tuning.set | variant.set | dict(point)
            variants.append(Variant.model_construct(label=label, set=changes, tune={}))
    if not variants:
        return None
    metric = MetricConfig(metric=tuning.metric, better=tuning.better, target=tuning.target)
    return config.model_copy(
        update={
            "variants": tuple(variants), "only": (), "metrics": (metric,),
            "num_seeds": tuning.num_seeds, "seed": config.seed + _SEED_SHIFT, "tuning": None,
            "baseline": None,
            "common_seeds": True, "predictions": (), "prompts": tuning.prompts or config.prompts,
        }
    )  # fmt: skip


def choices(config: CompareConfig, rows: Sequence[Measurement]) -> tuple[Choice, ...]:
    """The best combination of every tuned variant: that with the least mean of `Metric.loss`.

    Args:
        config: that was asked for.
        rows: what the runs of `tuning_config` measured.

    Raises:
        InputError: no run of a variant has the metric.
    """
    tuning = config.tuning
    if tuning is None:
        return ()
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.metric == tuning.metric and row.value is not None:
            found.setdefault(row.variant, []).append(row.value)
    chosen = []
    for variant in config.run_variants:
        if variant.tune:
            points = _points(variant, tuning)
            each = [found.get(_label(variant, index), []) for index in range(len(points))]
            means = tuple(sum(row) / len(row) if row else None for row in each)
            best = _best(each, tuning, variant) if len(points) > 1 else 0
            chosen.append(Choice(variant.label, points, means, best))
    return tuple(chosen)


def tuned(config: CompareConfig, chosen: Sequence[Choice]) -> CompareConfig:
    """The comparison with the chosen values in place of the lists."""
    taken = {choice.label: dict(choice.points[choice.best]) for choice in chosen}
    variants = tuple(
        variant.model_copy(update={"set": variant.set | taken.get(variant.label, {}), "tune": {}})
        for variant in config.variants
    )
    return config.model_copy(update={"variants": variants, "tuning": None})


def _points(variant: Variant, tuning: Tuning) -> tuple[Mapping[str, Any], ...]:
    """The combinations that are tried; none of a variant without `tune`."""
    if not variant.tune:
        return ()
    keys = list(variant.tune)
    points = tuple(
        dict(zip(keys, values, strict=True)) for values in itertools.product(*variant.tune.values())
    )
    count = min(tuning.max_points or len(points), len(points))
    if count == 1:
        return (points[len(points) // 2],)
    last = len(points) - 1
    return tuple(points[round(last * index / (count - 1))] for index in range(count))


def _label(variant: Variant, index: int) -> str:
    return f"{variant.label} ({index + 1})"


def _best(each: Sequence[Sequence[float]], tuning: Tuning, variant: Variant) -> int:
    """The combination whose runs are best on average; of equals the first."""
    metric = Metric(tuning.metric, tuning.better, target=tuning.target)
    losses = [
        (sum(map(metric.loss, row)) / len(row), index) for index, row in enumerate(each) if row
    ]
    if not losses:
        raise InputError(
            f"no tuning run of variant '{variant.label}' reports {tuning.metric}; "
            "see the logs under cells/tuning, then resume"
        )
    return min(losses)[1]
