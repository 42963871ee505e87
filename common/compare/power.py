"""How many runs a comparison needs, and which differences it can show (Student's and Welch's t).

The tests of a comparison are permutation tests; their power is that of the t test very nearly (two
points of 80 % lower for 8 pairs, none from 16 on), save that with very few units they cannot reject
at all. ``level`` is the confidence level, so the
false-alarm rate is ``1 - level``; where several claims share one report, plan with
``level = 1 - 0.05 / number of claims``, Holm's first step.
"""

from common.compare.arrangements import fewest_units
from common.errors import InputError


def power_at(noncentrality: float, degrees_of_freedom: float, level: float) -> float:
    """Power of the two-sided t test: ``P(|t'| > t_crit)``, ``t'`` noncentral t.

    Args:
        noncentrality: Difference over its standard error.
        degrees_of_freedom: At least 1.
        level: Confidence level, in (0, 1).
    """
    from scipy.stats import nct, t

    critical = t.ppf((1 + level) / 2, degrees_of_freedom)
    # The lower tail by its mirror image: for it `nct.cdf` gives NaN when the shift is large.
    tails = nct.sf(critical, degrees_of_freedom, [abs(noncentrality), -abs(noncentrality)])
    return float(tails.sum())


def power_of_test(effect: float, sd: float, n: int, *, level: float = 0.95, paired: bool) -> float:
    """The chance that a comparison of ``n`` units shows a difference ``effect``.

    Args:
        effect: True difference, in the metric's unit.
        sd: Standard deviation, above 0: of the differences within pairs if paired, else of the
            single runs of each arm.
        n: Pairs, or runs in each arm. With prompts as a sample, the number of prompts and the
            standard deviation of their means.
        level: Confidence level, in (0, 1).
        paired: Whether the runs are paired.

    Returns:
        The power, 0 where ``n`` units cannot reject whatever the runs give.
    """
    _check(sd, level)
    if n < fewest_units(level, paired=paired):
        return 0.0
    error = sd * (1 / n if paired else 2 / n) ** 0.5
    return power_at(effect / error, n - 1.0 if paired else 2.0 * n - 2.0, level)


def units_needed(
    effect: float, sd: float, *, power: float = 0.8, level: float = 0.95, paired: bool
) -> int:
    """The smallest number of pairs, or of runs in each arm, that gives the power.

    Args:
        effect: The difference to be shown, not 0.
        sd: As in `power_of_test`.
        power: Wanted chance to show it, in (0, 1).
        level: Confidence level, in (0, 1).
        paired: Whether the runs are paired.
    """
    _check(sd, level)
    if effect == 0:
        raise InputError(
            "effect=0: no number of runs shows a difference of 0. Give the smallest "
            "difference that would matter."
        )
    if not 0 < power < 1:
        raise InputError(f"power={power} must be between 0 and 1, for example 0.8.")
    low = high = fewest_units(level, paired=paired)
    while power_of_test(effect, sd, high, level=level, paired=paired) < power:
        low, high = high + 1, 2 * high
    while low < high:
        middle = (low + high) // 2
        if power_of_test(effect, sd, middle, level=level, paired=paired) < power:
            low = middle + 1
        else:
            high = middle
    return high


def detectable_difference(
    standard_error: float, degrees_of_freedom: float, *, power: float = 0.8, level: float = 0.95
) -> float:
    """The smallest true difference that would have been shown with the given chance.

    The noncentrality at which the t test has the power, times the standard error.

    Args:
        standard_error: Of the difference; 0 gives 0.
        degrees_of_freedom: Of the standard error, at least 1.
        power: Wanted chance, in (1 - level, 1).
        level: Confidence level, in (0, 1).
    """
    from scipy.optimize import brentq
    from scipy.stats import t

    if not 1 - level < power < 1:
        raise InputError(f"power={power} must be between {1 - level:.4g} and 1, for example 0.8.")
    df = degrees_of_freedom
    # At the critical value plus that for the power the test has more power than wanted.
    highest = 2 * float(t.ppf((1 + level) / 2, df) + t.ppf((1 + power) / 2, df)) + 2.0
    root = brentq(lambda shift: power_at(shift, df, level) - power, 0.0, highest, xtol=1e-9)
    return float(root) * standard_error


def _check(sd: float, level: float) -> None:
    if not sd > 0:
        raise InputError(f"sd={sd} must be above 0: the standard deviation seen in earlier runs.")
    if not 0 < level < 1:
        raise InputError(f"level={level} must be between 0 and 1, for example 0.95.")
