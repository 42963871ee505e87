"""What an app is: a config class, and functions that check, estimate and run it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from common.report.content import Section
from common.report.json_report import SampleMetrics
from common.runs.apps import Apps
from common.runs.checkpoints import Checkpoints
from common.runs.clock import Clock
from common.runs.config import RunConfig
from common.runs.folder import RunFolder
from common.runs.metrics_log import MetricsLog


@dataclass(frozen=True)
class Run:
    """What a running app is given besides its config."""

    folder: RunFolder
    device: str
    """``cpu`` or ``cuda``."""
    metrics: MetricsLog
    checkpoints: Checkpoints
    clock: Clock
    config_values: dict[str, Any]
    """The resolved config as plain values, for provenance."""
    apps: Apps
    """All apps, for a run that starts others."""

    def part(self, name: str) -> "Run":
        """A part of this run with a folder, checkpoints and metrics of its own.

        It continues from its own newest checkpoint; a request to stop reaches it as it does the
        whole. Everything else is shared.
        """
        folder = RunFolder(self.folder.path / "parts" / name)
        folder.samples.mkdir(parents=True, exist_ok=True)
        checkpoints = self.checkpoints.inside(folder)
        metrics = MetricsLog(folder.metrics)
        metrics.cut_after(checkpoints.restored.step if checkpoints.restored else -1)
        return replace(self, folder=folder, checkpoints=checkpoints, metrics=metrics)


@dataclass(frozen=True)
class Outcome:
    """What a run made."""

    artefacts: tuple[Path, ...]
    """The files the user asked for, best first."""
    sections: tuple[Section, ...] = ()
    """What the report shows, in order."""
    samples: tuple[SampleMetrics, ...] = ()
    """Metrics of each sample, for comparisons."""


@dataclass(frozen=True)
class Estimate:
    """What a run will take, said before it starts."""

    sizes: dict[str, str]
    """Named shapes and counts."""
    memory_bytes: int
    """Peak resident memory, libraries included."""
    steps: int
    """Model evaluations in all."""


@dataclass(frozen=True)
class App:
    """One entry of the command line: everything known of an app without running it."""

    config: type[RunConfig]
    run: Callable[[Any, Run], Outcome]
    estimate: Callable[[Any], Estimate]
    check: Callable[[Any, Apps], list[str]]
    """Reads what the config refers to; InputError if it is wrong, else notes on keys without
    effect."""
    changeable: tuple[str, ...] = field(default=("checkpoint",))
    """Keys that ``resume`` may change without changing the result."""
