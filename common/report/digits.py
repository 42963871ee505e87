"""Numbers as text, with as many digits as they deserve.

A lone number gets significant digits; a number with an interval gets the digits that its interval
supports (two significant digits of the half-width); the numbers of a column share their decimals,
so that they can be compared by eye.
"""

import math
from collections.abc import Sequence

from common.report.content import Interval, Number

NOT_A_NUMBER = "NaN"
INFINITE = "∞"
PLAIN_BELOW = 1e6
"""Magnitudes from here on are written with an exponent; integers are exact up to 10^15."""
PLAIN_FROM = 1e-4
"""Magnitudes below this one are written with an exponent."""


def magnitude(value: Number) -> int:
    """The decimal exponent of the first digit of a finite number: 0 for 1 to 9.99, 0 for zero."""
    return math.floor(math.log10(abs(value))) if value else 0


def format_fixed(value: Number, decimals: int) -> str:
    """A number with fixed decimals, thousands separated, and never a negative zero."""
    if not math.isfinite(value):
        return format_not_finite(value)
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if text.strip("-0.,") == "" else text


def format_not_finite(value: Number) -> str:
    """NaN or a signed infinity."""
    if math.isnan(value):
        return NOT_A_NUMBER
    return INFINITE if value > 0 else f"-{INFINITE}"


def format_exponent(value: Number, significant: int) -> str:
    """Scientific notation without padding: ``1.23e-7``."""
    mantissa, _, exponent = f"{value:.{significant - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}"


def format_number(value: Number, significant: int = 4) -> str:
    """A lone number: integers exactly, others to ``significant`` digits without trailing zeros.

    Digits before the decimal point are never rounded away below ``PLAIN_BELOW``.
    """
    if not math.isfinite(value):
        return format_not_finite(value)
    if isinstance(value, int) and abs(value) < 10**15:
        return f"{value:,}"
    if value == 0:
        return "0"
    if not PLAIN_FROM <= abs(value) < PLAIN_BELOW:
        mantissa, _, exponent = format_exponent(float(value), significant).partition("e")
        return f"{_without_trailing_zeros(mantissa)}e{exponent}"
    return _without_trailing_zeros(format_fixed(value, _decimals(value, significant)))


def format_interval(interval: Interval) -> tuple[str, str]:
    """An estimate and its bounds, such as ``("0.823", "[0.810, 0.837]")``.

    The last decimal shown is the second significant digit of half the interval's width.
    """
    numbers = (interval.value, interval.lo, interval.hi)
    half_width = interval.hi / 2 - interval.lo / 2
    if not all(map(math.isfinite, numbers)) or half_width <= 0:
        value, lo, hi = (format_number(number) for number in numbers)
        return value, f"[{lo}, {hi}]"
    decimals = max(0, 1 - magnitude(half_width))
    largest = max(map(abs, numbers))
    if largest >= PLAIN_BELOW or decimals > 7:
        significant = max(2, magnitude(largest) - magnitude(half_width) + 2)
        value, lo, hi = (format_exponent(number, min(significant, 17)) for number in numbers)
    else:
        value, lo, hi = (format_fixed(number, decimals) for number in numbers)
    return value, f"[{lo}, {hi}]"


def format_column(values: Sequence[Number]) -> list[str]:
    """The numbers of one column: equal decimals where their range allows it.

    Whole numbers are written as integers. Others share the decimals that give the largest three
    significant digits, and more, up to five of the largest, if the smallest needs them. Columns
    over more than three decades are formatted number by number.
    """
    finite = [abs(value) for value in values if math.isfinite(value) and value != 0]
    if all(value < PLAIN_BELOW and value == int(value) for value in finite):
        return [format_fixed(value, 0) for value in values]
    smallest, largest = min(finite), max(finite)
    if smallest < PLAIN_FROM or largest >= PLAIN_BELOW or largest / smallest > 1e3:
        return [format_number(value) for value in values]
    decimals = max(_decimals(largest, 3), min(_decimals(smallest, 3), _decimals(largest, 5)))
    return [format_fixed(value, decimals) for value in values]


def _decimals(value: Number, significant: int) -> int:
    """How many decimals show ``significant`` digits of a number."""
    return max(0, significant - 1 - magnitude(value))


def _without_trailing_zeros(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
