"""From a loaded config to a finished run folder."""

import fcntl
import json
import os
import shlex
import shutil
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from common.atomic import write_json, write_text
from common.config.load import Loaded
from common.config.text import to_plain, yaml_text
from common.errors import InputError
from common.runs import folder as folders
from common.runs import memory
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.checkpoints import Checkpoints
from common.runs.clock import Clock
from common.runs.config import RunConfig
from common.runs.console import LOGGER, console
from common.runs.environment import environment
from common.runs.folder import RunFolder, RunStatus
from common.runs.interrupts import Interrupted, StopRequest, stop_requests
from common.runs.metrics_log import MetricsLog
from common.runs.run_report import write_run_report


def prepare(app: App, config: RunConfig, apps: Apps) -> tuple[Estimate, list[str]]:
    """Everything that can be refused before a folder exists: inputs, memory, device."""
    notes = app.check(config, apps)
    estimate = app.estimate(config)
    resolve_device(config.device)
    available = memory.available_bytes()
    if available is not None and estimate.memory_bytes > available:
        raise InputError(
            f"this run needs about {estimate.memory_bytes / 2**30:.1f} GiB of memory and "
            f"{available / 2**30:.1f} GiB are free; make it smaller: "
            + ", ".join(f"{key} is {value}" for key, value in estimate.sizes.items())
        )
    return estimate, notes


def resolve_device(device: str) -> str:
    """``auto`` as ``cuda`` where there is one, else ``cpu``."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("device=cuda, but this machine has no CUDA device; use device=cpu or auto")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


def start(
    app: App, loaded: Loaded, command: Sequence[str], apps: Apps
) -> tuple[RunFolder, Outcome]:
    """Run a config in a new folder.

    Raises:
        InputError: the input was wrong; the folder is gone again.
        Interrupted: asked to stop; ``resume`` continues.
    """
    config: Any = loaded.config
    _, notes = prepare(app, config, apps)
    folder = folders.create(config.output_dir, config.name)
    try:
        write_text(folder.config, yaml_text(to_plain(config)))
        write_text(folder.path / "source.yaml", loaded.source)
        write_text(folder.path / "command.txt", shlex.join(command) + "\n")
        return folder, _run(app, config, folder, notes, apps)
    except (InputError, OSError) as error:
        problem = folders.disk_problem(error) if isinstance(error, OSError) else error
        if problem is None:
            raise
        if _has_results(folder):
            raise InputError(
                f"{problem}. What is done is kept; then: python run.py resume {folder.path}"
            ) from None
        folders.discard(folder)
        raise problem from None


def _has_results(folder: RunFolder) -> bool:
    """Whether a run has got so far that its folder is worth keeping."""
    return any(any(part.iterdir()) for part in folder.path.iterdir() if part.is_dir())


def resume(app: App, config: RunConfig, folder: RunFolder, apps: Apps) -> tuple[RunFolder, Outcome]:
    """Continue a run in place from its newest checkpoint."""
    notes = app.check(config, apps)
    # With the keys that may change as they are now; the result does not depend on them.
    write_text(folder.config, yaml_text(to_plain(config)))
    return folder, _run(app, config, folder, notes, apps)


def _run(app: App, config: RunConfig, folder: RunFolder, notes: list[str], apps: Apps) -> Outcome:
    with _locked(folder), stop_requests() as stop, console(folder.log):
        for note in notes:
            LOGGER.warning(note)
        run = _open(config, folder, stop, apps)
        memory.reset_peak()
        outcome, failure = Outcome(()), ""
        status: RunStatus = "failed"
        try:
            outcome = app.run(config, run)
            status = "done"
        except (Interrupted, KeyboardInterrupt):
            status = "interrupted"
            raise Interrupted(folder.path) from None
        except Exception:
            failure = traceback.format_exc()
            raise
        finally:
            _finish(config, run, outcome, status, failure)
        return outcome


def _finish(config: RunConfig, run: Run, outcome: Outcome, status: RunStatus, failure: str) -> None:
    """Write the reports, then the status: a folder that says "done" has its report."""
    peak = memory.peak_bytes()
    try:
        write_run_report(config, run, outcome, status, failure, peak)
    except InputError as error:
        # The run's input was fine: what its report refuses is a defect of the program.
        raise RuntimeError(f"the report of {run.folder.path} cannot be written: {error}") from error
    run.folder.set_status(status)


def _open(config: RunConfig, folder: RunFolder, stop: StopRequest, apps: Apps) -> Run:
    import torch

    if config.num_threads is not None:
        torch.set_num_threads(config.num_threads)
    device = resolve_device(config.device)
    folder.samples.mkdir(exist_ok=True)
    _sweep(folder)
    checkpoints = Checkpoints(folder, config.checkpoint, stop)
    metrics = MetricsLog(folder.metrics)
    metrics.cut_after(checkpoints.restored.step if checkpoints.restored else -1)
    folder.set_status("running")
    write_json(folder.path / "environment.json", environment(device))
    return Run(folder, device, metrics, checkpoints, Clock(), to_plain(config), apps)


def _sweep(folder: RunFolder) -> None:
    """Remove what a killed process was writing."""
    for partial in folder.path.rglob(".*.partial*"):
        if partial.is_dir():
            shutil.rmtree(partial)
        else:
            partial.unlink(missing_ok=True)


@contextmanager
def _locked(folder: RunFolder) -> Iterator[None]:
    """Hold the run's lock file; the system releases it however the process ends."""
    with (folder.path / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{folder.path} is being run by another process") from None
        lock.write(json.dumps({"pid": os.getpid()}))
        lock.flush()
        yield
