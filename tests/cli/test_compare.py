"""A comparison whose runs crash, and what resume makes of it."""

import json
from pathlib import Path

import pytest

from common.compare import execute
from common.compare.worker import newest_run
from common.report.json_report import read_record
from tests.cli.conftest import ROOT

CRASHING = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {root!r})
import run
from common.cli.main import main
from common.compare import worker
run_cell = worker._run_cell
def crashing(file, apps):
    if file.stem in {victims!r} and not Path({healed!r}).exists():
        os.kill(os.getpid(), signal.SIGKILL)
    run_cell(file, apps)
worker._run_cell = crashing
sys.exit(main(sys.argv[1:], run.APPS))
"""

VICTIMS = ("00-4-steps-p00-0001", "01-2-steps-p00-0002")
ARGUMENTS = ("smoke/compare", "num_seeds=3", "cells_per_process=2")


@pytest.fixture
def crashing_cells(tmp_path, monkeypatch):
    """Cells' processes are killed at two cells until the file ``healed`` exists."""
    healed = tmp_path / "healed"
    script = tmp_path / "crashing_run.py"
    script.write_text(CRASHING.format(root=str(ROOT), victims=VICTIMS, healed=str(healed)))
    monkeypatch.setattr(execute, "_RUN_PY", script)
    return healed


def statuses(folder: Path) -> dict[str, str]:
    cells = [path for path in (folder / "cells").iterdir() if path.name != "configs"]
    return {path.name: newest_run(path).status() for path in cells}


@pytest.mark.slow
def test_killed_cells_are_shown_and_resume_runs_only_them(command, crashing_cells):
    first = command(*ARGUMENTS)
    assert first.code == 0, first.err
    assert "2 of 6 runs failed" in first.err
    folder = first.paths[-1].parent
    done = statuses(folder)
    assert sorted(done.values()) == ["done"] * 4
    assert not set(VICTIMS) & set(done)
    assert "killed, out of memory, or crashed" in (folder / "report.html").read_text()
    table = json.loads((folder / "comparison.json").read_text())["measurements"]
    missing = [(row["variant"], row["seed"]) for row in table
               if row["value"] is None and row["metric"] == "atypicality"]  # fmt: skip
    assert sorted(missing) == [("2 steps", 2), ("4 steps", 1)]
    before = {name: newest_run(folder / "cells" / name).path for name in done}

    crashing_cells.touch()
    (folder / "status.json").write_text('{"status": "interrupted"}')
    again = command("resume", str(folder))
    assert again.code == 0, again.err
    assert sorted(statuses(folder).values()) == ["done"] * 6
    for name, path in before.items():
        assert newest_run(folder / "cells" / name).path == path
    assert read_record(folder).status == "done"


@pytest.mark.slow
def test_cells_are_ordinary_runs(command):
    """The run of a cell's config by hand has the cell's samples."""
    compared = command("smoke/compare", "num_seeds=1")
    folder = compared.paths[-1].parent
    config = sorted((folder / "cells" / "configs").glob("00-*.yaml"))[0]
    by_hand = command(str(config), "output_dir=by_hand")
    assert by_hand.code == 0, by_hand.err
    cell = newest_run(folder / "cells" / config.stem)
    pictures = [path for path in by_hand.paths if path.suffix == ".webp"]
    assert pictures
    for path in pictures:
        twin = cell.samples / path.name
        # The record inside differs (its name is the cell's, its folder is not kept), so pixels.
        assert pixels(path) == pixels(twin)


def pixels(path: Path) -> bytes:
    from common.media.video_read import read_clip

    return read_clip(path).frames.tobytes()


@pytest.mark.slow
def test_unknown_metric_is_refused_and_the_runs_are_kept(command):
    done = command("smoke/compare", "num_seeds=1", "metrics.0.metric=beauty")
    assert done.code == 2
    assert "the runs report no metric beauty; they report atypicality" in done.err
    folder = next(path for path in Path("outputs/smoke_compare").glob("2*"))
    assert set(statuses(folder).values()) == {"done"}
    again = command("resume", str(folder), "metrics.0.metric=atypicality")
    assert again.code == 0, again.err
