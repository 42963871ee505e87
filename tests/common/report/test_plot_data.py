import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.report.content import Axis, Band, Plot, Series, series
from common.report.plot_data import (
    MAX_DRAWN_POINTS,
    MAX_TABLE_ROWS,
    axis_title,
    number_table,
    remarks,
    thinned,
)


def plot_of(*curves: Series, log: bool = False) -> Plot:
    return Plot("p", Axis("time", "s", log), Axis("loss", "", log), curves)


def test_axis_title_has_the_unit():
    assert axis_title(Axis("time", "s")) == "time (s)"
    assert axis_title(Axis("loss", "")) == "loss"


@given(st.integers(2, 5000), st.integers(0, 2**32 - 1))
def test_thinned_curve_keeps_ends_extremes_and_order(count, seed):
    y = np.random.default_rng(seed).standard_normal(count)
    whole = series("a", range(count), y)
    thin = thinned(whole)
    assert len(thin.x) <= min(count, MAX_DRAWN_POINTS)
    assert (thin.x[0], thin.x[-1]) == (0, count - 1)
    assert (min(thin.y), max(thin.y)) == (y.min(), y.max())
    assert list(thin.x) == sorted(set(thin.x))
    assert all(thin.y[i] == y[int(x)] for i, x in enumerate(thin.x))


def test_thinned_curve_keeps_gaps_and_bands():
    count = 4000
    y = [float(i % 7) for i in range(count)]
    y[1234] = math.nan
    band = Band(tuple(value - 1 for value in y), tuple(value + 1 for value in y))
    thin = thinned(Series("a", tuple(range(count)), tuple(y), y_band=band))
    assert 1234 in thin.x
    assert thin.y_band is not None
    finite = [i for i, value in enumerate(thin.y) if math.isfinite(value)]
    assert all(thin.y_band.hi[i] - thin.y[i] == 1 for i in finite)


def test_short_curve_stays_as_it_is():
    whole = series("a", range(MAX_DRAWN_POINTS), range(MAX_DRAWN_POINTS))
    assert thinned(whole) is whole


def test_remarks_name_what_the_drawing_does_not_show():
    curve = series("a", [1, 2, 3, math.inf], [math.nan, -1, 0, 1])
    assert remarks(plot_of(curve)) == ["a: 2 of 4 values are not finite."]
    assert remarks(plot_of(curve, log=True))[1] == (
        "a: 2 of 4 values are not positive and have no place on a logarithmic axis."
    )
    long = series("b", range(5000), range(5000))
    assert "Curves of more than 800 points" in remarks(plot_of(long))[0]
    assert remarks(plot_of(series("c", [1], [1]))) == []


def test_number_table_shares_x_where_the_curves_do():
    band = Band((0, 1), (2, 3))
    table = number_table(
        plot_of(series("a", [1, 2], [3, 4]), Series("b", (1.0, 2.0), (1, 2), y_band=band))
    )
    assert [column.title for column in table.columns] == ["time", "a", "b", "low", "high"]
    assert [column.unit for column in table.columns] == ["s", "", "", "", ""]
    assert table.rows == ((1, 3, 1, 0, 2), (2, 4, 2, 1, 3))


def test_number_table_lists_points_without_empty_columns():
    points = Series("a", (1,), (2,), "points", y_band=Band((1,), (3,)))
    table = number_table(plot_of(points, series("b", [5], [6])))
    assert [column.title for column in table.columns] == ["Series", "time", "loss", "low", "high"]
    assert table.rows == (("a", 1, 2, 1, 3), ("b", 5, 6, None, None))


def test_long_number_table_is_thinned_evenly_and_says_so():
    table = number_table(plot_of(series("a", range(1001), range(1001))))
    assert len(table.rows) == MAX_TABLE_ROWS
    assert (table.rows[0][0], table.rows[-1][0]) == (0, 1000)
    assert table.footnotes == ("200 of 1,001 rows, evenly spread.",)


@pytest.mark.parametrize("curves", [(), (series("a", [], []),)])
def test_empty_plot_has_an_empty_table(curves):
    assert number_table(plot_of(*curves)).rows == ()
