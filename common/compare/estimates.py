"""What the statistics of a comparison take and give back.

Values of one metric go in; an `Estimate` of a mean or a `Difference` of two comes out. Both say
what they are worth: how many runs they rest on, which method made the interval, and what they
speak for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from common.errors import InputError

NUM_RESAMPLES = 19_999
"""Random resamples and arrangements; with the observed one 20,000, so 5 % is a whole number.

Which ones were drawn moves the true level of a test by 0.2 points of 5 %.
"""

FEWEST_RESAMPLES = 999
"""Fewest that can be asked for."""

Values = Sequence[float | int] | np.ndarray
"""Values of one metric, one for each run; finite."""

Population = Literal["units", "prompts", "seeds"]
"""What an interval or a test speaks for.

``units``: further units like the given ones. ``prompts``: other prompts of the same kind (prompts
count as a sample). ``seeds``: further seeds of the very prompts that were run, and no other prompt.
"""


@dataclass(frozen=True)
class Resampling:
    """How intervals and tests are made.

    Attributes:
        level: Confidence level, in (0, 1); the false-alarm rate is ``1 - level``.
        seed: Of the random resamples and arrangements.
        num_resamples: How many of them, where there are too many to visit all.
    """

    level: float = 0.95
    seed: int = 0
    num_resamples: int = NUM_RESAMPLES

    def __post_init__(self) -> None:
        """Refuses a level outside (0, 1) and too few resamples for any level in use."""
        if not 0 < self.level < 1:
            raise InputError(f"level={self.level} must be between 0 and 1, for example 0.95.")
        if self.num_resamples < FEWEST_RESAMPLES:
            raise InputError(
                f"num_resamples={self.num_resamples} leaves the ends of an interval to chance; "
                f"use {FEWEST_RESAMPLES} or more, best {NUM_RESAMPLES}."
            )

    @property
    def alpha(self) -> float:
        """The false-alarm rate, both sides together."""
        return false_alarm_rate(self.level)


@dataclass(frozen=True)
class Estimate:
    """A mean with its confidence interval.

    Attributes:
        value: The mean; with prompts, the mean of the prompts' means.
        lo: Lower end of the interval, None where no interval can be given (`note` says why).
        hi: Upper end.
        n: Number of values.
        num_clusters: Number of prompts, None if no prompts were given.
        level: Confidence level, in (0, 1).
        method: How the interval was made, in words.
        population: What the interval speaks for.
        note: A caution for the reader, empty if there is none.
    """

    value: float
    lo: float | None
    hi: float | None
    n: int
    num_clusters: int | None
    level: float
    method: str
    population: Population
    note: str = ""


@dataclass(frozen=True)
class Difference:
    """A difference of two means, ``a - b``, with its interval and test.

    Attributes:
        value: The difference; with prompts, the mean over prompts of each prompt's difference.
        lo: Lower end of the interval, None where none can be given (`note` says why).
        hi: Upper end.
        p_value: Two-sided p-value of "no difference", not adjusted for other claims.
        smallest_p: The smallest p-value this number of units can give. Where it is above the level
            needed, no result of the runs could have shown a difference.
        n_a: Runs of ``a`` that were used.
        n_b: Runs of ``b`` that were used.
        standard_error: Of `value`; None where it cannot be estimated.
        degrees_of_freedom: Of `standard_error`; 0 where there is none.
        level: Confidence level, in (0, 1).
        paired: Whether runs of the same unit, or means of the same prompt, were subtracted.
        method: How test and interval were made, in words.
        population: What both speak for.
        note: A caution for the reader, empty if there is none.
    """

    value: float
    lo: float | None
    hi: float | None
    p_value: float
    smallest_p: float
    n_a: int
    n_b: int
    standard_error: float | None
    degrees_of_freedom: float
    level: float
    paired: bool
    method: str
    population: Population
    note: str = ""


def false_alarm_rate(level: float) -> float:
    """``1 - level`` without its rounding error, so that p = 0.1 counts at a level of 0.9."""
    return round(1 - level, 12)


def joined_notes(*notes: str) -> str:
    """One note of several, leaving out empty ones."""
    return "; ".join(note for note in notes if note)


def checked_values(values: Values, name: str) -> Float[np.ndarray, " n"]:
    """The values as float64; an `InputError` if there are none or one is not finite."""
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise InputError(f"{name}: needs a flat list of at least one value, got {array.shape}.")
    bad = np.flatnonzero(~np.isfinite(array))
    if bad.size:
        raise InputError(
            f"{name}: {bad.size} of {array.size} values are not finite, the first at row {bad[0]}. "
            "Leave out runs without a value and report them as missing."
        )
    return array


def student_interval(
    value: float, standard_error: float, degrees_of_freedom: float, level: float
) -> tuple[float, float]:
    """``value`` plus and minus Student's quantile times the standard error."""
    from scipy.special import stdtrit

    half = float(stdtrit(degrees_of_freedom, (1 + level) / 2)) * standard_error
    return value - half, value + half
