"""The numbers of a plot: thinned for drawing, listed as a table, and what is remarkable in them."""

import math
from dataclasses import replace

import numpy as np

from common.report.content import Axis, Band, Cell, Column, Number, Plot, Series, Table

MAX_DRAWN_POINTS = 800
"""More points of one curve than this cannot be told apart at the size of a plot."""
MAX_TABLE_ROWS = 200


def axis_title(axis: Axis) -> str:
    """The label of an axis with its unit in brackets."""
    return f"{axis.label} ({axis.unit})" if axis.unit else axis.label


def thinned(series: Series) -> Series:
    """The series with at most ``MAX_DRAWN_POINTS`` points and the same outline.

    The points are cut into equal runs, and of each the lowest and the highest are kept, so that
    spikes and gaps stay where they are. The first and last points are always kept.
    """
    count = len(series.x)
    if count <= MAX_DRAWN_POINTS:
        return series
    y = np.asarray(series.y, dtype=np.float64)
    kept = {0, count - 1}
    for run in np.array_split(np.arange(count), (MAX_DRAWN_POINTS - 2) // 3):
        finite = run[np.isfinite(y[run])]
        extremes = [np.argmin(y[finite]), np.argmax(y[finite])] if len(finite) else []
        kept |= {int(finite[extreme]) for extreme in extremes}
        # One value that is not finite keeps the gap open.
        kept |= {int(row) for row in run[~np.isfinite(y[run])][:1]}
    return _rows_of(series, sorted(kept))


def _rows_of(series: Series, rows: list[int]) -> Series:
    def taken(values: tuple[Number, ...]) -> tuple[Number, ...]:
        return tuple(values[row] for row in rows)

    def band(values: Band | None) -> Band | None:
        return None if values is None else Band(taken(values.lo), taken(values.hi))

    return replace(
        series,
        x=taken(series.x),
        y=taken(series.y),
        x_band=band(series.x_band),
        y_band=band(series.y_band),
    )


def remarks(plot: Plot) -> list[str]:
    """One sentence for each thing that the drawing does not show."""
    found = []
    for series in plot.series:
        gaps = sum(not (math.isfinite(x) and math.isfinite(y)) for x, y in _points(series))
        if gaps:
            found.append(f"{series.label}: {gaps:,} of {len(series.x):,} values are not finite.")
        hidden = sum(_hidden_by_log(plot, x, y) for x, y in _points(series))
        if hidden:
            found.append(
                f"{series.label}: {hidden:,} of {len(series.x):,} values are not positive and "
                "have no place on a logarithmic axis."
            )
    if any(len(series.x) > MAX_DRAWN_POINTS for series in plot.series):
        found.append(
            f"Curves of more than {MAX_DRAWN_POINTS} points are drawn through the lowest and "
            "highest points of short runs."
        )
    return found


def _points(series: Series) -> list[tuple[Number, Number]]:
    return list(zip(series.x, series.y, strict=True))


def _hidden_by_log(plot: Plot, x: Number, y: Number) -> bool:
    return (plot.x.log and x <= 0) or (plot.y.log and y <= 0)


def number_table(plot: Plot) -> Table:
    """The numbers of a plot, at most ``MAX_TABLE_ROWS`` rows evenly spread over them.

    Series over the same x share its column; otherwise each point has a row of its own.
    """
    shared = len({series.x for series in plot.series}) == 1 and plot.series[0].drawn == "line"
    columns, rows = _wide(plot) if shared else _long(plot)
    footnotes: tuple[str, ...] = ()
    if len(rows) > MAX_TABLE_ROWS:
        chosen = np.linspace(0, len(rows) - 1, MAX_TABLE_ROWS).round().astype(int)
        footnotes = (f"{MAX_TABLE_ROWS} of {len(rows):,} rows, evenly spread.",)
        rows = [rows[int(index)] for index in chosen]
    return Table(f"Numbers of {plot.title}", tuple(columns), tuple(rows), footnotes)


def _wide(plot: Plot) -> tuple[list[Column], list[tuple[Cell, ...]]]:
    columns = [Column(plot.x.label, plot.x.unit)]
    values: list[tuple[Number, ...]] = [plot.series[0].x]
    for series in plot.series:
        columns.append(Column(series.label, plot.y.unit))
        values.append(series.y)
        if series.y_band is not None:
            columns += [Column("low", plot.y.unit), Column("high", plot.y.unit)]
            values += [series.y_band.lo, series.y_band.hi]
    return columns, list(zip(*values, strict=True))


def _long(plot: Plot) -> tuple[list[Column], list[tuple[Cell, ...]]]:
    columns = [Column("Series", align="left")]
    for axis in (plot.x, plot.y):
        columns += [Column(axis.label, axis.unit)]
        columns += [Column("low", axis.unit), Column("high", axis.unit)]
    rows: list[tuple[Cell, ...]] = []
    for series in plot.series:
        x_band, y_band = series.x_band, series.y_band
        for index, (x, y) in enumerate(_points(series)):
            x_bounds = (x_band.lo[index], x_band.hi[index]) if x_band else (None, None)
            y_bounds = (y_band.lo[index], y_band.hi[index]) if y_band else (None, None)
            rows.append((series.label, x, *x_bounds, y, *y_bounds))
    return _without_empty(columns, rows)


def _without_empty(
    columns: list[Column], rows: list[tuple[Cell, ...]]
) -> tuple[list[Column], list[tuple[Cell, ...]]]:
    """Drop the columns that hold no value in any row."""
    kept = [
        index
        for index in range(len(columns))
        if not rows or any(row[index] is not None for row in rows)
    ]
    return [columns[i] for i in kept], [tuple(row[i] for i in kept) for row in rows]
