"""Tables as text: formatted cells, and which of them are the best of their column."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from common.report.content import Cell, Column, Interval, Number, Table
from common.report.digits import format_column, format_interval

NO_VALUE = "–"


@dataclass(frozen=True)
class FormattedCell:
    """The text of a cell, the text of its interval ("" for none), and how to set it."""

    text: str
    interval: str
    align: str
    numeric: bool
    best: bool


def format_table(table: Table) -> list[list[FormattedCell]]:
    """The rows of a table as formatted cells."""
    columns = [
        _format_column(column, [row[index] for row in table.rows])
        for index, column in enumerate(table.columns)
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def best_rows(cells: Sequence[Cell], best: str) -> set[int]:
    """The rows that hold the lowest or highest finite value of a column; ties all count.

    A column with fewer than two values has no best one.
    """
    values = {row: _value(cell) for row, cell in enumerate(cells)}
    finite = {row: value for row, value in values.items() if math.isfinite(value)}
    if best == "none" or len(finite) < 2:
        return set()
    target = (min if best == "lowest" else max)(finite.values())
    return {row for row, value in finite.items() if value == target}


def _value(cell: Cell) -> Number:
    """The number in a cell; NaN where there is none."""
    if isinstance(cell, Interval):
        return cell.value
    return cell if isinstance(cell, int | float) else math.nan


def _format_column(column: Column, cells: Sequence[Cell]) -> list[FormattedCell]:
    numbers = [cell for cell in cells if isinstance(cell, int | float)]
    texts = iter(format_column(numbers))
    best = best_rows(cells, column.best)
    formatted = []
    for row, cell in enumerate(cells):
        interval = ""
        if cell is None:
            text = NO_VALUE
        elif isinstance(cell, str):
            text = cell
        elif isinstance(cell, Interval):
            text, interval = format_interval(cell)
        else:
            text = next(texts)
        numeric = not isinstance(cell, str)
        formatted.append(FormattedCell(text, interval, column.align, numeric, row in best))
    return formatted
