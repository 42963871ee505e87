"""From finished cells to the table of measurements that the statistics read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.compare.execute import failure_of, is_done
from common.compare.measurements import Measurement, Unit
from common.compare.plan import Cell
from common.compare.worker import newest_run
from common.report.json_report import RunRecord, read_record
from common.runs.folder import RunFolder

COST_METRICS = ("time_s", "peak_memory_mb")
"""What every run reports besides its own metrics."""


@dataclass(frozen=True)
class Result:
    """A finished cell."""

    cell: Cell
    folder: RunFolder
    record: RunRecord
    metrics: dict[str, float]
    """Means over the samples of the run, and its time and memory."""


@dataclass(frozen=True)
class Failed:
    """A cell without a result."""

    cell: Cell
    message: str
    log_tail: str


def collect(cells: Sequence[Cell], folder: Path) -> tuple[list[Result], list[Failed]]:
    """The results of all cells, and what failed."""
    results, failures = [], []
    for cell in cells:
        run = newest_run(folder / cell.name)
        if run is not None and is_done(cell, folder):
            results.append(_result(cell, run))
            continue
        message, tail = failure_of(cell, folder) or ("was not run", "")
        failures.append(Failed(cell, message, tail))
    return results, failures


def _result(cell: Cell, run: RunFolder) -> Result:
    record = read_record(run.path)
    values: dict[str, list[float]] = {}
    for sample in record.samples:
        for name, value in sample.metrics.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    metrics = {name: sum(found) / len(found) for name, found in values.items()}
    metrics["time_s"] = sum(record.timings_s.values())
    if record.peak_memory_mb is not None:
        metrics["peak_memory_mb"] = record.peak_memory_mb
    return Result(cell, run, record, metrics)


def measurements(
    results: Sequence[Result], failures: Sequence[Failed], metrics: Sequence[str]
) -> list[Measurement]:
    """One row for each cell and metric; a failed cell keeps its row, without a value."""
    rows = []
    for result in results:
        unit = Unit(result.cell.prompt, result.cell.seed)
        rows += [
            Measurement(result.cell.column, unit, name, result.metrics.get(name))
            for name in metrics
        ]
    for failed in failures:
        unit = Unit(failed.cell.prompt, failed.cell.seed)
        rows += [Measurement(failed.cell.column, unit, name, None) for name in metrics]
    return rows
