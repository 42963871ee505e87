import numpy as np
import pytest

from common.report.content import (
    Band,
    ClipRow,
    ConfigChange,
    ConfigDiff,
    Interval,
    Missing,
    Series,
    Stage,
    SyncedClips,
    series,
)


def test_series_takes_arrays():
    made = series("a", np.arange(3), np.array([1.5, np.nan, 2.5], np.float32))
    assert made.x == (0.0, 1.0, 2.0)
    assert made.y[0] == 1.5
    assert np.isnan(made.y[1])


def test_columns_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match=r"'a' has columns of different lengths: \[2, 1\]"):
        Series("a", (1, 2), (1,))
    with pytest.raises(ValueError, match=r"\[1, 1, 1, 2\]"):
        Series("a", (1,), (1,), y_band=Band((1,), (1, 2)))


def test_horizontal_band_of_a_line_is_refused():
    with pytest.raises(ValueError, match="x_band needs drawn='points'"):
        Series("a", (1,), (1,), x_band=Band((1,), (1,)))


def test_interval_in_the_wrong_order_is_refused():
    with pytest.raises(ValueError, match="lo 2 above hi 0"):
        Interval(1, 2, 0)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_impossible_duration_is_refused(seconds):
    with pytest.raises(ValueError, match="stage 'a' took"):
        Stage("a", seconds)


def test_grids_with_holes_are_refused():
    with pytest.raises(ValueError, match="has 1 clips for 2 columns"):
        SyncedClips("s", ("a", "b"), (ClipRow("r", (Missing("x"),)),))
    with pytest.raises(ValueError, match="key 'k' has 1 values for 2 variants"):
        ConfigDiff("d", ("a", "b"), (ConfigChange("k", ("1",)),))
