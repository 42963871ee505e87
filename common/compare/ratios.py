"""The ratio of two means over the same units, with a confidence interval."""

from dataclasses import replace

from common.compare.estimates import Estimate, Values, checked_values
from common.compare.means import mean_interval
from common.errors import InputError


def ratio_interval(above: Values, below: Values, *, level: float = 0.95, seed: int = 0) -> Estimate:
    """``R = mean(a) / mean(b)`` of pairs ``(a_i, b_i)``, with `mean_interval`'s interval.

    The interval is that of the mean of ``R + (a_i - R b_i) / mean(b)``, which is ``R``, and whose
    error is that of the ratio to first order (Taylor linearisation: Cochran 1977, Sampling
    Techniques, section 6.4). Unlike a mean of ratios it is not carried by units with little below.

    Args:
        above: one value a unit.
        below: of the same units, in the same order; their mean is above 0.
        level: confidence level, in (0, 1).
        seed: of the resampling.

    Raises:
        InputError: numbers of values that differ, none, not finite ones, or a mean below that is
            not above 0.
    """
    a, b = checked_values(above, "values above"), checked_values(below, "values below")
    if len(a) != len(b):
        raise InputError(f"a ratio is of pairs: there are {len(a)} values above and {len(b)} below")
    mean = float(b.mean())
    if mean <= 0:
        raise InputError(f"a ratio needs a mean above 0 below, and this one is {mean:.6g}")
    ratio = float(a.mean()) / mean
    found = mean_interval(ratio + (a - ratio * b) / mean, level=level, seed=seed)
    return replace(found, value=ratio)
