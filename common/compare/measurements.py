"""The table of a comparison: one value for each variant, unit and metric.

A unit is a prompt and a seed. Variants that ran the same units are compared run by run, for with
common random numbers the luck of a unit is the same on both sides; variants with units of their own
are compared as separate runs. A failed run keeps its row, with no value, so that it can be counted.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

from common.errors import InputError


@dataclass(frozen=True, order=True)
class Unit:
    """What one run of a variant is run on: a prompt (or other input, by name) and a seed."""

    prompt: str
    seed: int


@dataclass(frozen=True)
class Measurement:
    """One value of one metric.

    Attributes:
        variant: Name of the variant.
        unit: What it was run on.
        metric: Name of the metric.
        value: The value; None if the run failed. A value that is not finite counts as none.
    """

    variant: str
    unit: Unit
    metric: str
    value: float | None


Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """What is known of a metric beside its values.

    Attributes:
        name: As in `Measurement.metric`.
        better: Which direction is better; None where a target is.
        binary: Whether each value is 0 or 1, so that the mean is a rate.
        target: The value that is right, if there is one: runs are then compared by their distance
            from it, ``|value - target|``.
    """

    name: str
    better: Better | None
    binary: bool = False
    target: float | None = None

    def __post_init__(self) -> None:
        """Refuse a metric without an aim, or with two."""
        if (self.better is None) == (self.target is None):
            raise InputError(f"metric '{self.name}' needs either a direction or a target.")

    def loss(self, value: float) -> float:
        """What is least where the value is best: ``-value``, ``value`` or ``|value - target|``."""
        if self.target is not None:
            return abs(value - self.target)
        return -value if self.better == "higher" else value


@dataclass(frozen=True)
class Sample:
    """The runs of one variant for one metric.

    Attributes:
        values: Value of each unit that has one, units in order.
        planned: All units that were to be run.
    """

    values: dict[Unit, float]
    planned: frozenset[Unit]

    @property
    def num_missing(self) -> int:
        """Runs without a value."""
        return len(self.planned) - len(self.values)


def sample_of(measurements: Sequence[Measurement], variant: str, metric: str) -> Sample:
    """The runs of one variant for one metric, whatever the order of the rows.

    Raises:
        InputError: A unit has two values.
    """
    rows = [row for row in measurements if row.variant == variant and row.metric == metric]
    for unit, count in Counter(row.unit for row in rows).items():
        if count > 1:
            raise InputError(
                f"variant '{variant}' has {count} values of '{metric}' for prompt "
                f"'{unit.prompt}', seed {unit.seed}; a run has one."
            )
    ordered = sorted(rows, key=lambda row: row.unit)
    values = {
        row.unit: float(row.value)
        for row in ordered
        if row.value is not None and isfinite(row.value)
    }
    return Sample(values, frozenset(row.unit for row in rows))


def compared(sample: Sample, metric: Metric) -> Sample:
    """The sample as it is tested: values as they are, or distances from the target."""
    if metric.target is None:
        return sample
    return Sample({unit: metric.loss(v) for unit, v in sample.values.items()}, sample.planned)


def share_units(a: Sample, b: Sample) -> bool:
    """Whether two variants are compared run by run: half of the smaller plan or more is common.

    The plan decides and not what came of it, so that failed runs do not change the method.
    """
    common = len(a.planned & b.planned)
    return common > 0 and 2 * common >= min(len(a.planned), len(b.planned))
