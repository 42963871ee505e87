"""Numbers that are known beforehand, checked against what the runs measured.

Each run's measurement is divided by its prediction; the interval of the mean of these ratios must
hold 1. All intervals hold together: with ``m`` of them each is at ``1 - (1 - level) / m``
(Bonferroni). They are Student's: at such levels a bootstrap of few runs has no tails, and a run's
measurement is itself a mean over many draws. A check whose interval is wide says nothing, so it
counts as none. Variants that were broken on purpose show that the checks can fail.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, stdev
from typing import Literal

from common.compare.config import CompareConfig, Prediction
from common.compare.estimates import student_interval
from common.compare.measurements import Measurement, sample_of

Verdict = Literal["holds", "fails", "too wide"]
_NOTHING = 1e-9
"""What is predicted to be below this is predicted to be 0, and may be measured up to this."""


@dataclass(frozen=True)
class Checked:
    """One prediction for one variant."""

    variant: str
    metric: str
    measured: float | None
    """Mean over runs; None where no run has a finite value."""
    predicted: float
    """Mean over runs."""
    lo: float | None
    """Of the mean ratio of both; None where there is no interval."""
    hi: float | None
    verdict: Verdict
    broken: bool
    """Whether the variant is wrong on purpose."""

    @property
    def half_width(self) -> float | None:
        """Half the interval's width, relative to the prediction."""
        return None if self.lo is None or self.hi is None else (self.hi - self.lo) / 2


def check_predictions(config: CompareConfig, rows: Sequence[Measurement]) -> tuple[Checked, ...]:
    """Check every prediction that a variant's runs make.

    Args:
        config: which, at what level and width.
        rows: measurements of the metrics and of their predictions.
    """
    asked = []
    for variant in config.run_variants:
        for prediction in config.predictions:
            said = sample_of(rows, variant.label, prediction.predicted).values
            if said:
                asked.append((variant.label, variant.broken, prediction))
    level = 1 - (1 - config.prediction_level) / max(len(asked), 1)
    return tuple(
        _checked(rows, label, broken, prediction, level, config.max_half_width)
        for label, broken, prediction in asked
    )


def undetected(checked: Sequence[Checked]) -> tuple[str, ...]:
    """Broken variants of which every prediction holds, or is too wide to tell."""
    labels = dict.fromkeys(one.variant for one in checked if one.broken)
    failed = {one.variant for one in checked if one.verdict == "fails"}
    return tuple(label for label in labels if label not in failed)


def _checked(
    rows: Sequence[Measurement],
    label: str,
    broken: bool,
    prediction: Prediction,
    level: float,
    max_half_width: float,
) -> Checked:
    found = sample_of(rows, label, prediction.metric)
    said = sample_of(rows, label, prediction.predicted).values
    predicted = fmean(said.values())
    units = [unit for unit in said if unit in found.values]
    measured = fmean(found.values[unit] for unit in units) if units else None
    lo = hi = None
    if abs(predicted) <= _NOTHING:
        exact = measured is not None and abs(measured) <= _NOTHING
        verdict: Verdict = "holds" if exact else "fails"
    elif len(units) < len(said):  # a run that came to no number is no chance event
        verdict = "fails"
    else:
        ratios = [found.values[unit] / said[unit] for unit in units]
        verdict = "too wide"
        if len(ratios) > 1:
            error = stdev(ratios) / sqrt(len(ratios))
            lo, hi = student_interval(fmean(ratios), error, len(ratios) - 1.0, level)
            verdict = _verdict(lo, hi, max_half_width)
    return Checked(label, prediction.metric, measured, predicted, lo, hi, verdict, broken)


def _verdict(lo: float, hi: float, max_half_width: float) -> Verdict:
    if not lo <= 1 <= hi:
        return "fails"
    return "holds" if (hi - lo) / 2 <= max_half_width else "too wide"
