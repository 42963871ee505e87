import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.report.content import Interval
from common.report.digits import format_column, format_interval, format_number

# Rounded up, numbers next to the largest float are infinite when they are read again.
FINITE = st.floats(-1e300, 1e300)


def parsed(text: str) -> float:
    return float(text.replace(",", ""))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (-0.0, "0"),
        (7, "7"),
        (1234567, "1,234,567"),
        (12.30, "12.3"),
        (0.28123, "0.2812"),
        (123456.7, "123,457"),
        (999999.99, "1,000,000"),
        (1234567.0, "1.235e6"),
        (1e-7, "1e-7"),
        (0.0001, "0.0001"),
        (-2.5e-5, "-2.5e-5"),
        (10**16, "1e16"),
        (math.nan, "NaN"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
    ],
)
def test_lone_number_has_four_digits(value, text):
    assert format_number(value) == text


@given(FINITE)
def test_lone_number_is_right_to_half_of_its_last_digit(value):
    # Four significant digits: the relative rounding error is at most 0.5e-3; subnormal numbers
    # have fewer bits than that.
    if abs(value) > 1e-300:
        assert parsed(format_number(value)) == pytest.approx(value, rel=5.0001e-4)


@given(st.integers(-(10**14), 10**14))
def test_integer_is_exact(value):
    assert parsed(format_number(value)) == value


@pytest.mark.parametrize(
    ("interval", "texts"),
    [
        (Interval(0.82341, 0.8101, 0.8367), ("0.823", "[0.810, 0.837]")),
        (Interval(12.3456, 2.0, 22.0), ("12", "[2, 22]")),
        (Interval(1234.5, 1200.0, 1300.0), ("1,234", "[1,200, 1,300]")),
        (Interval(0.5, 0.5, 0.5), ("0.5", "[0.5, 0.5]")),
        (Interval(-0.001, -0.11, 0.1), ("0.00", "[-0.11, 0.10]")),
        (Interval(2.5e-9, 2.4e-9, 2.6e-9), ("2.50e-9", "[2.40e-9, 2.60e-9]")),
        (Interval(0.5, math.nan, math.nan), ("0.5", "[NaN, NaN]")),
        (Interval(0.5, 0.1, math.inf), ("0.5", "[0.1, ∞]")),
    ],
)
def test_interval_has_the_digits_that_its_width_supports(interval, texts):
    assert format_interval(interval) == texts


@given(FINITE, FINITE, FINITE)
def test_interval_keeps_its_order_and_its_width_to_a_tenth(a, b, c):
    lo, value, hi = sorted((a, b, c))
    center, bounds = format_interval(Interval(value, lo, hi))
    shown_lo, shown_hi = (parsed(part) for part in bounds.strip("[]").split(", "))
    assert shown_lo <= parsed(center) <= shown_hi
    # Two digits of the half-width: each bound is off by at most half of the second one, which is
    # at most 5 % of the half-width (2.5 % of the width) when its first digit is 1. Where the width
    # is near the precision of a float, no statement is made.
    width = hi - lo
    if width > 1e-12 * max(abs(lo), abs(hi)) and width > 1e-290:
        assert shown_hi - shown_lo == pytest.approx(width, rel=0.0501)


def test_widest_interval_has_text():
    assert format_interval(Interval(0.0, -1.7e308, 1.7e308)) == ("0.0e0", "[-1.7e308, 1.7e308]")


def test_column_shares_decimals():
    assert format_column([12.345, 0.5, 1.0]) == ["12.345", "0.500", "1.000"]
    assert format_column([1024.2, 15.25]) == ["1,024.2", "15.2"]


def test_column_of_whole_numbers_has_no_decimals():
    assert format_column([0.0, 10.0, 1200.0]) == ["0", "10", "1,200"]
    assert format_column([3, 2500]) == ["3", "2,500"]


def test_column_over_many_decades_is_formatted_number_by_number():
    assert format_column([0.00123, 45.6, 1e9]) == ["0.00123", "45.6", "1e9"]


def test_column_shows_what_is_not_finite():
    assert format_column([1.5, math.nan, -math.inf]) == ["1.50", "NaN", "-∞"]
    assert format_column([]) == []


@given(st.lists(FINITE, max_size=8))
def test_column_keeps_the_order_of_its_numbers(values):
    shown = [parsed(text) for text in format_column(values)]
    for (a, shown_a), (b, shown_b) in zip(
        sorted(zip(values, shown, strict=True)),
        sorted(zip(values, shown, strict=True))[1:],
        strict=False,
    ):
        assert a <= b
        assert shown_a <= shown_b
