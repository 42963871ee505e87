"""Sections on what stands beside the comparison itself: predictions, and how values were chosen."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from common.compare.config import CompareConfig
from common.compare.predictions import Checked
from common.compare.tuning import Choice
from common.report.content import Axis, Band, Cell, Column, Interval, Plot, Section, Series, Table


def prediction_sections(config: CompareConfig, checked: Sequence[Checked]) -> tuple[Section, ...]:
    """What was predicted, what came, and whether that is so; none without predictions."""
    if not checked:
        return ()
    columns = (
        Column("Variant", align="left"), Column("Metric", align="left"), Column("Predicted"),
        Column("Measured"), Column("Measured / predicted"), Column("Half width", "%"),
        Column("Verdict", align="left"),
    )  # fmt: skip
    rows = tuple(
        (one.variant, one.metric, one.predicted, one.measured, _ratio(one),
         None if one.half_width is None else 100 * one.half_width, _said(one))
        for one in checked
    )  # fmt: skip
    notes = (
        f"All {len(checked)} intervals hold together at {config.prediction_level:.1%} (Bonferroni, "
        f"Student's t over runs); a half width above {config.max_half_width:.0%} counts as no "
        "check.",
        "Variants that are broken on purpose must fail.",
    )
    return (Table("Predictions", columns, rows, footnotes=notes), *_plot(checked))


def tuning_sections(config: CompareConfig, chosen: Sequence[Choice]) -> tuple[Section, ...]:
    """What each variant chose; none without tuning."""
    if not chosen:
        return ()
    metric = _aim(config)
    columns = (
        Column("Variant", align="left"), Column("Chosen", align="left"), Column("Tried"),
        Column(f"Best {metric}"), Column(f"Median {metric}"), Column("At an edge", align="left"),
    )  # fmt: skip
    rows = []
    for one in chosen:
        known = [value for value in one.values if value is not None]
        said = ", ".join(f"{_short(k)} {_plain(v)}" for k, v in one.points[one.best].items())
        rows.append((
            one.label, said, len(one.points), one.values[one.best],
            median(known) if known else None, ", ".join(_short(key) for key in one.at_edge),
        ))  # fmt: skip
    notes = (
        "Chosen by runs with other seeds than those that are compared. At an edge: the best value "
        "is the first or last of those that were tried. Tried 1: the middle values, taken unseen.",
    )
    return (Table("Tuning", columns, tuple(rows), footnotes=notes),)


def _aim(config: CompareConfig) -> str:
    """What tuning looked at, in words."""
    if config.tuning is None:
        return "metric"
    target = config.tuning.target
    return config.tuning.metric if target is None else f"{config.tuning.metric} ({target:g} wanted)"


def _plot(checked: Sequence[Checked]) -> tuple[Section, ...]:
    """Ratios with their intervals, in the order of the table; broken variants are left out."""
    drawn = []
    sound = [one for one in checked if not one.broken]
    for metric in dict.fromkeys(one.metric for one in sound):
        rows = [
            (place, one.lo, one.hi)
            for place, one in enumerate(sound, 1)
            if one.metric == metric and one.lo is not None and one.hi is not None
        ]
        if rows:
            place, lo, hi = (tuple(column) for column in zip(*rows, strict=True))
            middle = tuple((a + b) / 2 for a, b in zip(lo, hi, strict=True))
            drawn.append(Series(metric, place, middle, "points", Band(lo, hi)))
    if not drawn:
        return ()
    caption = "1 is what was predicted."
    axis = Axis("Row of the table, without broken variants", "")
    ratio = Axis("Measured / predicted", "")
    return (Plot("Predictions against measurements", axis, ratio, tuple(drawn), caption),)


def _ratio(one: Checked) -> Cell:
    if one.lo is None or one.hi is None:
        return None
    return Interval((one.lo + one.hi) / 2, one.lo, one.hi)


def _said(one: Checked) -> str:
    if not one.broken:
        return one.verdict
    return "fails, as it must" if one.verdict == "fails" else f"{one.verdict}, though broken"


def _short(key: str) -> str:
    return key.rpartition(".")[2]


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
