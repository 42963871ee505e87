"""Runs a list of cells one after the other in this process: ``run.py cells <list>``."""

import json
import sys
import traceback
from pathlib import Path
from typing import cast

from common.config.load import load
from common.errors import InputError
from common.runs import folder as folders
from common.runs import launch
from common.runs.apps import Apps
from common.runs.config import RunConfig
from common.runs.folder import RunFolder
from common.runs.interrupts import Interrupted


def run_cells(listing: Path, apps: Apps) -> int:
    """Run each config file of a JSON list; a failing cell does not stop the next one.

    A finished cell is skipped, one with a checkpoint continues from it. The outcome of a cell is
    its run folder; a cell without one says why in ``<config>.error.txt``.
    """
    try:
        files = [Path(name) for name in json.loads(listing.read_text(encoding="utf-8"))]
    except (OSError, ValueError) as error:
        raise InputError(f"{listing}: not a list of configs ({error})") from None
    for file in files:
        error_file = file.with_suffix(".error.txt")
        error_file.unlink(missing_ok=True)
        try:
            _run_cell(file, apps)
        except (Interrupted, KeyboardInterrupt):
            return 130
        except InputError as error:
            error_file.write_text(f"{error}\n", encoding="utf-8")
        except Exception:
            error_file.write_text(traceback.format_exc(), encoding="utf-8")
            traceback.print_exc(file=sys.stderr)
    return 0


def _run_cell(file: Path, apps: Apps) -> None:
    loaded = load(file, (), apps)
    config = cast(RunConfig, loaded.config)
    app = apps.of(loaded.tree.values["app"])
    last = newest_run(config.output_dir / config.name)
    if last is not None and last.status() == "done":
        return
    if last is not None and any(last.checkpoints.glob("step-*")):
        launch.resume(app, config, last, apps)
    else:
        launch.start(app, loaded, ["python", "run.py", "cells"], apps)


def newest_run(parent: Path) -> RunFolder | None:
    """The newest run of a cell, or None when it has none."""
    runs = folders.runs_of(parent) if parent.is_dir() else []
    return runs[-1] if runs else None
