"""A distillation that is killed five times on its way ends as one that was left alone."""

import json
import signal
import time
from pathlib import Path

import pytest

from tests.cli.test_kill_resume import artefacts, run_folder, start

NUM_STEPS = 60
ARGUMENTS = (
    "evaluate/distillation", "laws.num_steps=0", f"trial.num_steps={NUM_STEPS}",
    "trial.views.size_px=16", "loss={name: sds, baseline: learnt}", "checkpoint.every_s=0",
    "num_threads=1",
)  # fmt: skip
"""A closed-form prior and a grid of 16 cells; the baseline remembers past steps."""
KILLED_AT = (3, 14, 25, 36, 47)


def steps_done(folder: Path) -> int:
    """Of the newest checkpoint."""
    return max((int(one.name.split("-")[1].split(".")[0])
                for one in folder.glob("checkpoints/step-*") if "partial" not in one.name),
               default=0)  # fmt: skip


def outcome(folder: Path) -> tuple[dict[str, bytes], object, list[dict[str, float]]]:
    """Pictures, figures and every step's losses; no times."""
    report = json.loads((folder / "report.json").read_text())
    rows = {}
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row = json.loads(line)
        rows[row["step"]] = {name: row[name] for name in ("loss", "prior", "time")}
    return artefacts(folder), report["samples"], [rows[step] for step in sorted(rows)]


@pytest.mark.slow
def test_run_killed_five_times_equals_the_uninterrupted_one(tmp_path):
    alone = start(tmp_path / "alone", *ARGUMENTS)
    _, errors = alone.communicate(timeout=300)
    assert alone.returncode == 0, errors.decode()
    expected = outcome(run_folder(tmp_path / "alone"))
    assert len(expected[2]) == NUM_STEPS

    outputs = tmp_path / "killed"
    process = start(outputs, *ARGUMENTS)
    for kill in KILLED_AT:
        while (folder := run_folder(outputs)) is None or steps_done(folder) < kill:
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        assert not (folder / "report.json").exists()
        process = start(outputs, "resume", str(folder))
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    assert outcome(folder) == expected
    assert not list(folder.rglob("*.partial*"))
