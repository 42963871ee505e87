"""Scores of several prompt sets: as numbers for checkpoints and files, and as a table to read."""

from collections.abc import Mapping

from common.judging.judgement import Share
from common.judging.scored import Score
from common.report.content import Column, Table

Scores = dict[str, dict[str, Score]]
"""By set, then by score."""
Rows = dict[str, dict[str, tuple[int, int, float, float]]]
"""The same as numbers: right, asked, ceiling, floor."""


def rows_of(scores: Scores) -> Rows:
    """Scores as plain numbers, for a checkpoint."""
    return {
        name: {
            score: (one.share.num_right, one.share.num_asked, one.ceiling, one.floor)
            for score, one in of_set.items()
        }
        for name, of_set in scores.items()
    }


def restored_scores(rows: Rows) -> Scores:
    """Scores from the numbers of a checkpoint."""
    return {
        name: {
            score: Score(Share(right, asked), ceiling, floor)
            for score, (right, asked, ceiling, floor) in of_set.items()
        }
        for name, of_set in rows.items()
    }


def plain(scores: Scores) -> dict[str, float]:
    """Each share by ``<set>/<score>``."""
    return {
        f"{name}/{score}": found.share.value
        for name, of_set in scores.items()
        for score, found in of_set.items()
    }


def said(scores: Mapping[str, Score]) -> str:
    """The scores of one set for the log."""
    return ", ".join(f"{name} {one.share.value:.3f}" for name, one in scores.items())


def score_table(scores: Scores) -> Table:
    """Every score between its floor and its ceiling."""
    columns = (
        Column("Prompts", align="left"), Column("Score", align="left"), Column("Right", "%"),
        Column("Of"), Column("Ceiling", "%"), Column("Floor", "%"),
    )  # fmt: skip
    rows = tuple(
        (name, score, 100 * found.share.value, found.share.num_asked, 100 * found.ceiling,
         100 * found.floor)
        for name, of_set in scores.items()
        for score, found in of_set.items()
    )  # fmt: skip
    notes = (
        "Ceiling: the same score of real held-out pictures or clips. Floor: the same samples with "
        "what was asked exchanged among them.",
    )
    return Table("Scores", columns, rows, footnotes=notes)
