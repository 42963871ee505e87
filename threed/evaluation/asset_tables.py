"""The tables of an evaluation of assets: their shapes and their fronts."""

from collections.abc import Mapping, Sequence

from common.report.content import Column, Table

_SHAPES = (
    "outline_iou", "ellipsoid_iou", "true_outline_iou", "true_ellipsoid_iou", "overlap_with_views",
    "billboards",
)  # fmt: skip
_FRONTS = ("with_a_front", "one_front", "several_fronts")


def shape_tables(
    sets: Sequence[str], figures: Mapping[str, float], num_truths: int
) -> tuple[Table, ...]:
    """What was measured of each set, by ``<set>/<figure>``.

    Args:
        sets: of prompts.
        figures: what is missing stays empty.
        num_truths: instances that outlines were compared with.
    """
    shapes = Table(
        "Shapes",
        (
            Column("Prompts", align="left"), Column("Outlines like the truest shape's"),
            Column("The best ellipsoid's"), Column("Another true instance's"),
            Column("The best ellipsoid's for that"), Column("Outlines like its views'"),
            Column("Billboards"),
        ),
        _rows(sets, figures, _SHAPES),
        footnotes=(
            f"Overlaps (intersection over union), from eight sides with the best of {num_truths} "
            "held-out instances of the kit, from the views' sides with those. The ellipsoid is "
            "fitted to that best instance itself. One more held-out instance, compared as assets "
            "are, is what can be reached. A billboard is flatter than any body.",
        ),
    )  # fmt: skip
    fronts = Table(
        "Fronts",
        (
            Column("Prompts", align="left"), Column("Things with a front"), Column("One front"),
            Column("Several fronts"),
        ),
        _rows(sets, figures, _FRONTS),
        footnotes=(
            "Sides from which the judge, who sees an asset from 24 of them, says that it looks at "
            "the front. Counted are things whose true instances all have one.",
        ),
    )  # fmt: skip
    return (shapes, fronts)


def _rows(
    sets: Sequence[str], figures: Mapping[str, float], keys: Sequence[str]
) -> tuple[tuple[str | float | None, ...], ...]:
    return tuple((name, *(figures.get(f"{name}/{key}") for key in keys)) for name in sets)
