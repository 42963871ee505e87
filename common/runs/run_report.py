"""``report.json`` and ``report.html`` of one run."""

from pathlib import Path

from common.config.text import yaml_text
from common.report.content import (
    ConfigLine,
    ConfigListing,
    Fact,
    Failure,
    Failures,
    Report,
    Section,
    Stage,
    Timing,
)
from common.report.html import write_html
from common.report.json_report import RunRecord, artefact, write_record
from common.runs.app import Outcome, Run
from common.runs.config import RunConfig
from common.runs.environment import environment
from common.runs.folder import RunFolder, RunStatus

_LOG_LINES = 40


def write_run_report(
    config: RunConfig,
    run: Run,
    outcome: Outcome,
    status: RunStatus,
    failure: str,
    peak_bytes: int,
) -> None:
    """Write both files into the run's folder.

    Args:
        config: the run's config.
        run: what the app was given.
        outcome: what it made; empty when it did not finish.
        status: done, interrupted or failed.
        failure: the traceback of a failed run, else empty.
        peak_bytes: most resident memory of the process.
    """
    folder = run.folder
    assert status != "running"
    error = {"done": "", "interrupted": "stopped before the end", "failed": _last_line(failure)}
    stages = dict(run.clock.stages)
    stages["everything else"] = max(run.clock.elapsed() - sum(stages.values()), 0.0)
    record = RunRecord(
        name=config.name,
        app=run.config_values["app"],
        status=status,
        metrics={},
        samples=outcome.samples,
        timings_s=stages,
        peak_memory_mb=peak_bytes / 1e6,
        peak_device_memory_mb=_device_peak_mb(run.device),
        artefacts=tuple(artefact(folder.path, path.resolve()) for path in outcome.artefacts),
        environment=environment(run.device),
        error=error[status],
    )
    write_record(record, folder.path)
    prompt = run.config_values.get("prompt") or config.description
    facts = (
        Fact("Seed", str(config.seed)),
        Fact("Time", round(sum(stages.values()), 1), "s"),
        Fact("Peak memory", round(peak_bytes / 1e6), "MB"),
        Fact("Device", str(record.environment["device"])),
    )
    report = Report(
        config.name, prompt, status, facts,
        (*_failures(folder, failure), *outcome.sections, *_how(run, stages, record)),
    )  # fmt: skip
    write_html(report, folder.path)


def _how(run: Run, stages: dict[str, float], record: RunRecord) -> tuple[Section, ...]:
    timing = Timing(
        "Time and memory",
        tuple(Stage(name, seconds) for name, seconds in stages.items()),
        record.peak_memory_mb,
        record.peak_device_memory_mb,
        caption="Of the process that ended the run; imports come before it.",
    )
    lines = tuple(ConfigLine(line) for line in yaml_text(run.config_values).splitlines())
    return timing, ConfigListing("Config", lines, "Resolved: `run.py config.yaml` repeats the run.")


def _failures(folder: RunFolder, failure: str) -> tuple[Section, ...]:
    if not failure:
        return ()
    item = Failure("run", _last_line(failure), _tail(folder.log, failure))
    return (Failures("Failure", (item,)),)


def _tail(log: Path, failure: str) -> str:
    text = log.read_text(errors="replace") if log.exists() else ""
    return "\n".join((text + failure).splitlines()[-_LOG_LINES:])


def _last_line(failure: str) -> str:
    lines = failure.strip().splitlines()
    return lines[-1] if lines else ""


def _device_peak_mb(device: str) -> float | None:
    if device != "cuda":
        return None
    import torch

    return torch.cuda.max_memory_allocated() / 1e6
