"""Runs the cells of a comparison in processes of their own, and knows which are left.

A cell is an ordinary run folder. Cells run by themselves so that one that crashes or leaks takes
nothing else down, and so that time and memory are a fresh process's.
"""

import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from common.atomic import write_json, write_text
from common.compare.plan import Cell
from common.compare.worker import newest_run
from common.config.text import yaml_text

_RUN_PY = Path(__file__).resolve().parents[2] / "run.py"
_POLL_S = 0.05


def write_configs(cells: Sequence[Cell], folder: Path) -> None:
    """One YAML file a cell, which ``run.py`` can also run by hand."""
    for cell in cells:
        write_text(config_file(cell, folder), yaml_text(cell.values))


def config_file(cell: Cell, folder: Path) -> Path:
    """The config of a cell below the comparison's ``cells/``."""
    return folder / "configs" / f"{cell.name}.yaml"


def is_done(cell: Cell, folder: Path) -> bool:
    """Whether the cell has a finished run."""
    run = newest_run(folder / cell.name)
    return run is not None and run.status() == "done"


def failure_of(cell: Cell, folder: Path) -> tuple[str, str] | None:
    """Why a cell that was tried has no result: a line, and the end of its log."""
    if is_done(cell, folder):
        return None
    error = config_file(cell, folder).with_suffix(".error.txt")
    log = config_file(cell, folder).with_suffix(".log")
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-12:]) if log.exists() else ""
    if not error.exists():
        return None
    lines = error.read_text(encoding="utf-8").strip().splitlines()
    return (lines[-1] if lines else "failed without a message"), tail


def execute(cells: Sequence[Cell], folder: Path, per_process: int) -> Generator[int]:
    """Run the cells that are not done; yields how many are finished or failed, as they are.

    Closing the generator stops the process that is running, which saves its state first.
    """
    waiting = [cell for cell in cells if not is_done(cell, folder)]
    settled = len(cells) - len(waiting)
    yield settled
    while waiting:
        group, waiting = waiting[:per_process], waiting[per_process:]
        left = group
        while left:
            for count in _run_group(left, folder):
                yield settled + len(group) - len(left) + count
            # A process that died leaves its cell without a word: name it, go on behind it.
            unsettled = [cell for cell in left if not _is_settled(cell, folder)]
            if unsettled:
                _note_crash(unsettled[0], folder)
            left = unsettled[1:]
        settled += len(group)
        yield settled


def _run_group(cells: Sequence[Cell], folder: Path) -> Iterator[int]:
    listing = folder / "configs" / "running.json"
    write_json(listing, [str(config_file(cell, folder)) for cell in cells])
    for cell in cells:
        config_file(cell, folder).with_suffix(".error.txt").unlink(missing_ok=True)
    log = config_file(cells[0], folder).with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(_RUN_PY), "cells", str(listing)],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
        try:
            while process.poll() is None:
                time.sleep(_POLL_S)
                yield sum(_is_settled(cell, folder) for cell in cells)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()


def _is_settled(cell: Cell, folder: Path) -> bool:
    error = config_file(cell, folder).with_suffix(".error.txt")
    return error.exists() or is_done(cell, folder)


def _note_crash(cell: Cell, folder: Path) -> None:
    error = config_file(cell, folder).with_suffix(".error.txt")
    write_text(error, "the process ended without a result (killed, out of memory, or crashed)\n")
