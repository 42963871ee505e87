from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.media.frame_rates import as_rate, fit_rate, shown_at, whole_ticks

MILLISECOND, CENTISECOND = Fraction(1, 1000), Fraction(1, 100)
RATES = st.fractions(Fraction(1), Fraction(60), max_denominator=1001)


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (8, Fraction(8)), (24.0, Fraction(24)), (12.5, Fraction(25, 2)),
        (23.976, Fraction(24000, 1001)), (23.98, Fraction(24000, 1001)),
        (29.97, Fraction(30000, 1001)), (59.94, Fraction(60000, 1001)),
        (24000 / 1001, Fraction(24000, 1001)), (0.1, Fraction(1, 10)),
        (25 / 3, Fraction(25, 3)), (Fraction(31, 7), Fraction(31, 7)),
    ],
)  # fmt: skip
def test_numbers_mean_the_rates_that_people_mean(fps, rate):
    assert as_rate(fps) == rate


@pytest.mark.parametrize("fps", [0, -8, 241, float("nan"), float("inf")])
def test_impossible_rates_are_refused(fps):
    with pytest.raises(InputError, match="fps must be between"):
        as_rate(fps)


@given(RATES, st.integers(1, 300), st.sampled_from([100, 1000]))
def test_ticks_never_drift_from_the_true_times(rate, num_frames, ticks_per_s):
    start = Fraction(0)
    for index, ticks in enumerate(whole_ticks(num_frames, rate, ticks_per_s)):
        assert abs(start - index / rate) <= Fraction(1, 2 * ticks_per_s)
        start += Fraction(ticks, ticks_per_s)
    assert abs(start - num_frames / rate) <= Fraction(1, 2 * ticks_per_s)


@given(
    st.sampled_from([5, 8, 10, 12, 12.5, 15, 16, 20, 23.976, 24, 25, 29.97, 30, 48, 50]),
    st.sampled_from([MILLISECOND, CENTISECOND]),
    st.integers(3, 200),
)
def test_rounded_times_reveal_a_grid_that_explains_them(fps, tick, num_frames):
    rate = as_rate(fps)
    ends = [0, *whole_ticks(num_frames, rate, int(1 / tick))]
    times = [sum(ends[: index + 1]) * tick for index in range(num_frames)]
    found = fit_rate(times, times[-1] + ends[-1] * tick, tick, [])
    assert found is not None
    slots = [round(time * found) for time in times]
    assert slots == list(range(num_frames))
    if num_frames * float(rate) > 600 and tick == MILLISECOND:
        # Long clips leave no doubt between 23.976 and 24.
        assert float(found) == pytest.approx(fps, rel=1e-3)


def test_held_frames_stay_on_the_grid_of_the_others():
    # Eight frames per second; frame 2 is held for three periods.
    times = [Fraction(slot, 8) for slot in (0, 1, 2, 5, 6)]
    assert fit_rate(times, Fraction(7, 8), MILLISECOND, []) == 8


def test_delays_of_eight_hundredths_mean_twelve_and_a_half():
    times = [Fraction(8 * index, 100) for index in range(3)]
    assert fit_rate(times, Fraction(24, 100), CENTISECOND, []) == Fraction(25, 2)


def test_irregular_times_have_no_rate():
    times = [Fraction(ms, 1000) for ms in (0, 31, 103, 140, 211, 260, 391, 402, 533)]
    assert fit_rate(times, None, MILLISECOND, [Fraction(15)]) is None


@given(RATES, st.integers(1, 100))
def test_sampling_at_the_own_rate_shows_each_frame_once(rate, num_frames):
    starts = [index / rate for index in range(num_frames)]
    assert shown_at(starts, num_frames / rate, rate) == list(range(num_frames))


def test_sampling_shows_what_is_on_the_screen():
    starts = [Fraction(0), Fraction(1, 4), Fraction(1)]
    shown = shown_at(starts, Fraction(3, 2), Fraction(8))
    assert shown == [0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]


def test_sampling_slower_drops_frames_and_keeps_the_length():
    starts = [Fraction(index, 30) for index in range(60)]
    assert shown_at(starts, Fraction(2), Fraction(10)) == list(range(0, 60, 3))
