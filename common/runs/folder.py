"""Run folders: ``<output_dir>/<name>/<YYYYmmdd-HHMMSS>/`` and ``<output_dir>/<name>/latest``.

======================  ===========================================================
``config.yaml``         the resolved config; ``run.py <this>`` repeats the run
``source.yaml``         the user's file as given
``command.txt``         the command line
``environment.json``    versions, commit, device, threads
``run.log``             what the console said
``metrics.jsonl``       a row a step
``checkpoints/``        what ``resume`` continues from
``previews/``           pictures taken on the way
``samples/``            the artefacts
``status.json``         running, done, interrupted or failed
``report.json, .html``  what came out
======================  ===========================================================
"""

import errno
import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from common.atomic import write_json
from common.errors import InputError

RunStatus = Literal["running", "done", "interrupted", "failed"]

_USERS_FAULT = (
    errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.ENOTDIR,
    errno.EEXIST, errno.ENAMETOOLONG,
)  # fmt: skip


@dataclass(frozen=True)
class RunFolder:
    """The paths inside one run's folder."""

    path: Path
    made: tuple[Path, ...] = ()
    """Folders around it that did not exist before it, innermost first."""

    @property
    def config(self) -> Path:
        """The resolved config."""
        return self.path / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        """The checkpoints' folder."""
        return self.path / "checkpoints"

    @property
    def samples(self) -> Path:
        """The artefacts' folder."""
        return self.path / "samples"

    @property
    def metrics(self) -> Path:
        """The metrics file."""
        return self.path / "metrics.jsonl"

    @property
    def log(self) -> Path:
        """The console's copy."""
        return self.path / "run.log"

    def status(self) -> RunStatus:
        """What became of the run; a killed one is still "running"."""
        return json.loads((self.path / "status.json").read_text(encoding="utf-8"))["status"]

    def set_status(self, status: RunStatus) -> None:
        """Record what became of the run."""
        write_json(self.path / "status.json", {"status": status})


def disk_problem(error: OSError) -> InputError | None:
    """The user's error behind an ``OSError`` such as a full or read-only disk, or None."""
    if error.errno not in _USERS_FAULT:
        return None
    where = f" {error.filename}" if error.filename else ""
    return InputError(
        f"cannot write{where}: {error.strerror}. Free space, change its permissions, or choose "
        "another folder with output_dir=<folder>"
    )


def create(output_dir: Path, name: str) -> RunFolder:
    """Make a new run folder, never one that exists, and point ``latest`` at it."""
    parent = (output_dir / name).absolute()
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    try:
        made = tuple(path for path in (parent, *parent.parents) if not path.exists())
        parent.mkdir(parents=True, exist_ok=True)
        path = _make_new(parent, stamp)
        folder = RunFolder(path, made)
        folder.set_status("running")
        point_latest(parent, path.name)
    except OSError as error:
        raise disk_problem(error) or error from None
    return folder


def _make_new(parent: Path, stamp: str) -> Path:
    for attempt in range(1000):
        path = parent / (stamp if attempt == 0 else f"{stamp}-{attempt}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise InputError(f"{parent} already holds 1000 runs of this second; choose another name=")


def point_latest(parent: Path, target: str) -> None:
    """Make ``parent/latest`` a link to the folder ``target`` beside it."""
    link = parent / "latest"
    partial = parent / f".latest-{os.getpid()}"
    partial.unlink(missing_ok=True)
    partial.symlink_to(target)
    partial.replace(link)


def discard(folder: RunFolder) -> None:
    """Remove a run that never started because its input was wrong, and what only it had made."""
    parent = folder.path.parent
    shutil.rmtree(folder.path, ignore_errors=True)
    remaining = runs_of(parent)
    if remaining:
        point_latest(parent, remaining[-1].path.name)
        return
    (parent / "latest").unlink(missing_ok=True)
    for path in folder.made:
        if not any(path.iterdir()):
            path.rmdir()


def runs_of(parent: Path) -> list[RunFolder]:
    """All runs of one name, oldest first."""
    found = [path for path in parent.iterdir() if (path / "status.json").is_file()]
    real = [path for path in found if not path.is_symlink()]
    return [RunFolder(path) for path in sorted(real, key=_order)]


def _order(path: Path) -> tuple[str, int]:
    stamp, _, attempt = path.name.rpartition("-") if path.name.count("-") > 1 else (
        path.name, "", "0",
    )  # fmt: skip
    return stamp, int(attempt) if attempt.isdecimal() else 0


def open_run(given: str, output_dir: Path) -> RunFolder:
    """The run of a folder path, of a name (its newest run), or of ``<name>/latest``."""
    for path in (Path(given), output_dir / given):
        if (path / "config.yaml").is_file():
            return RunFolder(path.resolve())
        if path.is_dir() and (runs := runs_of(path.resolve())):
            return runs[-1]
    raise InputError(f"{given}: no run folder (a folder with config.yaml) and no name of a run")
