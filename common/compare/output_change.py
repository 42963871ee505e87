"""What variants cost, and how far their samples are from the baseline's at the same noise.

For switches that should change time or memory and little else. The samples of a variant are held
against those of the baseline with the same prompt and seed, picture by picture (of clips, frame by
frame where ``export.formats`` has png, and their posters otherwise), over white. The ratio of
signal to noise is that of the mean squared error over all of them, ``10 log10(255^2 / mean squared
error)``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.compare.collect import Result
from common.errors import InputError
from common.generation.sidecar import Sidecar, read_sidecars
from common.media.images import read_picture
from common.media.pixels import composite
from common.report.content import Column, Table

_BACKGROUND = "#ffffff"
_STAGE = "sampling"
_FRAMES = "_frames"
"""Ends the name of a folder that holds the frames of a clip."""


@dataclass(frozen=True)
class Change:
    """What is said of a variant."""

    variant: str
    sampling_s: float | None
    """Of the stage that walks from noise to latents, the shortest of all runs: what else a machine
    does only adds. None where runs have no such stage."""
    peak_memory_mb: float | None
    """Mean over runs."""
    psnr_db: float | None
    """None where no picture differs, and of the baseline."""
    num_same: int
    """Samples that are the baseline's to the last bit of every pixel."""
    num_samples: int


def output_changes(
    labels: Sequence[str], results: Sequence[Result], baseline: str
) -> tuple[Change, ...]:
    """One row for each variant that has runs, in the order of ``labels``.

    Raises:
        InputError: samples have other sizes than the baseline's.
    """
    found = {(r.cell.column, r.cell.prompt, r.cell.seed): r for r in results}
    rows = []
    for label in labels:
        own = [r for r in results if r.cell.column == label]
        pairs = [
            (r, found[baseline, r.cell.prompt, r.cell.seed])
            for r in own
            if (baseline, r.cell.prompt, r.cell.seed) in found
        ]
        errors = [error for pair in pairs for error in _errors(*pair)]
        if own:
            rows.append(_row(label, own, errors))
    return tuple(rows)


def output_table(changes: Sequence[Change], baseline: str) -> Table:
    """The table of a report."""
    columns = (
        Column("Variant", align="left"), Column("Sampling", "s", best="lowest"),
        Column("Peak memory", "MB", best="lowest"), Column("PSNR", "dB"), Column("Same pictures"),
    )  # fmt: skip
    rows = tuple(
        (
            one.variant, one.sampling_s, one.peak_memory_mb, one.psnr_db,
            f"{one.num_same} of {one.num_samples}",
        )
        for one in changes
    )  # fmt: skip
    return Table(
        "Cost and change", columns, rows,
        footnotes=(
            "The shortest sampling and the mean memory of all runs. PSNR and same pictures are "
            f"against {baseline} at the same prompt and seed, over white; none where all are the "
            "same.",
        ),
    )  # fmt: skip


def _row(label: str, own: Sequence[Result], errors: Sequence[float]) -> Change:
    times = [t for r in own if (t := r.record.timings_s.get(_STAGE)) is not None]
    memory = [m for r in own if (m := r.record.peak_memory_mb) is not None]
    mean = sum(errors) / len(errors) if errors else 0.0
    return Change(
        label,
        min(times, default=None),
        sum(memory) / len(memory) if memory else None,
        10 * math.log10(255**2 / mean) if mean > 0 else None,
        sum(error == 0 for error in errors),
        len(errors),
    )


def _errors(run: Result, against: Result) -> list[float]:
    """Mean squared error of each sample, in 8-bit levels."""
    ours, theirs = (read_sidecars(one.folder.samples) for one in (run, against))
    return [
        _mean_error(_pictures(run.folder.samples, a), _pictures(against.folder.samples, b))
        for a, b in zip(ours, theirs, strict=True)
    ]


def _pictures(samples: Path, sidecar: Sidecar) -> list[Path]:
    """The frames of a clip that has them as pictures; otherwise what stands for the sample."""
    for name in sidecar.files:
        folder = (samples / name).parent
        if folder.name.endswith(_FRAMES):
            return sorted(folder.glob("*.png"))
    return [samples / sidecar.thumbnail]


def _mean_error(ours: Sequence[Path], theirs: Sequence[Path]) -> float:
    if len(ours) != len(theirs):
        raise InputError(
            f"{ours[0].parent} has {len(ours)} frames and {theirs[0].parent} has {len(theirs)}: "
            "output_change compares runs of one size"
        )
    errors = [squared_error(*pair) for pair in zip(ours, theirs, strict=True)]
    return sum(errors) / len(errors)


def squared_error(path: Path, against: Path) -> float:
    """Mean squared difference of two pictures over white, in 8-bit levels.

    Raises:
        InputError: they have other sizes.
    """
    one, two = (read_picture(p) for p in (path, against))
    if one.shape[:2] != two.shape[:2]:
        raise InputError(
            f"{path} has {one.shape[1]}x{one.shape[0]} pixels and {against} "
            f"{two.shape[1]}x{two.shape[0]}: output_change compares runs of one size"
        )
    if np.array_equal(one, two):
        return 0.0
    flat = [
        composite(picture, _BACKGROUND) if picture.shape[-1] == 4 else picture
        for picture in (one, two)
    ]
    # Fully transparent pixels may differ in a colour that nobody sees.
    return float(((flat[0].astype(np.float64) - flat[1].astype(np.float64)) ** 2).mean())
