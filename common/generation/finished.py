"""From finished samples to the parts of a run's outcome: pictures, sheet, metrics, sections."""

from collections.abc import Sequence
from pathlib import Path

from common.generation.config import GenerationConfig
from common.generation.sidecar import Sidecar, read_sidecars
from common.media.contact_sheet import picture_sheet
from common.media.images import read_picture, write_picture
from common.report.content import Axis, Fact, Gallery, MediaItem, Plot, Section, series
from common.report.json_report import sample_metrics
from common.runs.app import Outcome, Run
from common.runs.provenance import provenance_of

_MAX_ON_SHEET = 400
_MAX_SHOWN = 24
"""Samples in the report; all of them are in the samples' folder."""


def outcome_of(config: GenerationConfig, run: Run) -> Outcome:
    """The outcome of a run whose samples are all written, read back from their sidecars."""
    sidecars = read_sidecars(run.folder.samples)
    sheet = _write_contact_sheet(config, run, sidecars)
    artefacts = [run.folder.samples / name for s in sidecars for name in s.files]
    return Outcome(
        (*artefacts, *([sheet] if sheet else [])),
        _sections(run, sidecars, sheet),
        tuple(sample_metrics(s.prompt, s.sample, s.seed, s.metrics) for s in sidecars),
    )


def _write_contact_sheet(
    config: GenerationConfig, run: Run, sidecars: Sequence[Sidecar]
) -> Path | None:
    """The samples' thumbnails in one picture (the first 400); None when there is only one."""
    if len(sidecars) < 2:
        return None
    shown = sidecars[:_MAX_ON_SHEET]
    pictures = [read_picture(run.folder.samples / s.thumbnail) for s in shown]
    captions = [f"{s.sample}  seed {s.seed}" for s in shown]
    sheet = picture_sheet(
        pictures,
        captions=captions if config.contact_sheet.captions else (),
        num_columns=config.contact_sheet.num_columns,
    )
    path = run.folder.path / "contact_sheet.png"
    write_picture(path, sheet, provenance=provenance_of(config, run, config.prompt, 0))
    return path


def _sections(run: Run, sidecars: Sequence[Sidecar], sheet: Path | None) -> tuple[Section, ...]:
    """Samples with their metrics, the contact sheet, and the sampler's curves."""
    items = tuple(
        MediaItem(
            run.folder.samples / s.files[0],
            f"sample {s.sample}, seed {s.seed}",
            tuple(Fact(name, value) for name, value in s.metrics.items()),
        )
        for s in sidecars[:_MAX_SHOWN]
    )
    left = len(sidecars) - len(items)
    caption = f"{left} more in {run.folder.samples}" if left else ""
    found: list[Section] = [Gallery("Samples", items, caption)]
    if sheet is not None:
        found.append(Gallery("Contact sheet", (MediaItem(sheet),)))
    return (*found, *_curves(run))


def _curves(run: Run) -> list[Section]:
    rows = [row for row in run.metrics.read() if "sampling/latents_std" in row]
    if len(rows) < 2:
        return []
    steps = [row["step"] for row in rows]
    drawn = tuple(
        series(label, steps, [_number(row[key]) for row in rows])
        for label, key in (
            ("noisy latents", "sampling/latents_std"),
            ("denoised", "sampling/denoised_std"),
        )
    )
    return [Plot("Sampling", Axis("Model evaluation", ""), Axis("Standard deviation", ""), drawn)]


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
