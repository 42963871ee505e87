import math

import pytest

from common.report.content import Column, Interval, Table
from common.report.tables import best_rows, format_table


def test_best_is_the_lowest_or_highest_finite_value():
    cells = ("a", 3.0, None, Interval(1.0, 0.5, 2.0), math.nan, -math.inf)
    assert best_rows(cells, "lowest") == {3}
    assert best_rows(cells, "highest") == {1}
    assert best_rows(cells, "none") == set()


def test_ties_are_all_best_and_a_single_value_is_not():
    assert best_rows((2, 2.0, 5), "lowest") == {0, 1}
    assert best_rows((2, None), "lowest") == set()


def test_cells_are_formatted_by_their_kind():
    table = Table(
        "t",
        (Column("name", align="left"), Column("x", best="lowest")),
        (("a", 12.345), ("b", Interval(0.5, 0.4, 0.6)), ("c", None), ("d", math.nan), ("e", 1)),
    )
    rows = format_table(table)
    assert [row[0].text for row in rows] == ["a", "b", "c", "d", "e"]
    assert [row[1].text for row in rows] == ["12.35", "0.50", "–", "NaN", "1.00"]
    assert rows[1][1].interval == "[0.40, 0.60]"
    assert [row[1].best for row in rows] == [False, True, False, False, False]
    assert not rows[0][0].numeric
    assert rows[0][1].numeric


def test_table_without_rows_has_none():
    assert format_table(Table("t", (Column("x"),), ())) == []


def test_row_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="row 0 of table 't' has 1 cells for 2 columns"):
        Table("t", (Column("x"), Column("y")), ((1,),))
