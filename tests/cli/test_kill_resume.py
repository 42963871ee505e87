"""A run that is killed and resumed ends with the bytes of one that was left alone."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, environment

PRESET = "smoke/video"
ARGUMENTS = ("num_samples=4", "batch_size=2", "sampler.num_steps=40", "checkpoint.every_s=0")
NUM_KILLS = 20


def artefacts(folder: Path) -> dict[str, bytes]:
    """Everything a run made that must not depend on interruptions."""
    kept = [path for path in (folder / "samples").rglob("*") if path.is_file()]
    kept += folder.glob("contact_sheet*")
    assert kept
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in kept}


def start(outputs: Path, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, str(ROOT / "run.py"), *arguments]
    return subprocess.Popen(
        [*command, *([] if arguments[0] == "resume" else [f"output_dir={outputs}"])],
        cwd=outputs.parent, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def run_folder(outputs: Path) -> Path | None:
    found = [path for path in outputs.glob("*/2*") if (path / "config.yaml").exists()]
    return found[0] if found else None


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> tuple[dict[str, bytes], float]:
    """What a run that is left alone makes, and the seconds from its folder to its end."""
    outputs = tmp_path_factory.mktemp("alone") / "outputs"
    process = start(outputs, PRESET, *ARGUMENTS)
    while run_folder(outputs) is None:
        time.sleep(0.01)
    begin = time.monotonic()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors.decode()
    return artefacts(run_folder(outputs)), time.monotonic() - begin


@pytest.mark.slow
@pytest.mark.parametrize("kill", range(NUM_KILLS))
def test_killed_and_resumed_run_has_the_same_bytes(tmp_path, uninterrupted, kill):
    expected, duration = uninterrupted
    # One moment in each twentieth of the run, so that all of it is covered.
    moment = duration * (kill + random.Random(kill).random()) / NUM_KILLS
    outputs = tmp_path / "outputs"
    process = start(outputs, PRESET, *ARGUMENTS)
    while run_folder(outputs) is None:
        time.sleep(0.005)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    folder = run_folder(outputs)
    resumed = start(outputs, "resume", str(folder))
    _, errors = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, errors.decode()
    assert artefacts(folder) == expected
    assert not list(folder.rglob("*.partial*"))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_run_saves_says_how_to_continue_and_exits_130(tmp_path, uninterrupted, number):
    expected, _ = uninterrupted
    outputs = tmp_path / "outputs"
    process = start(outputs, PRESET, *ARGUMENTS)
    while run_folder(outputs) is None or not any(run_folder(outputs).glob("checkpoints/step-*")):
        time.sleep(0.01)
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors.decode()
    assert out == b""
    folder = run_folder(outputs)
    assert f"python run.py resume {folder}" in errors.decode()
    assert "Traceback" not in errors.decode()
    assert (folder / "report.html").is_file()
    resumed = start(outputs, "resume", str(folder))
    _, errors = resumed.communicate(timeout=300)
    assert resumed.returncode == 0, errors.decode()
    assert artefacts(folder) == expected


@pytest.mark.slow
def test_resume_of_a_done_run_prints_its_paths_and_changes_nothing(extrude, tmp_path):
    first = extrude(PRESET)
    before = {path: path.read_bytes() for path in first.paths}
    again = extrude("resume", str(first.paths[-1].parent), outputs=False)
    assert again.code == 0, again.err
    assert [path.resolve() for path in again.paths] == [path.resolve() for path in first.paths]
    assert {path: path.read_bytes() for path in first.paths} == before


@pytest.mark.slow
def test_resume_refuses_to_change_the_result(extrude):
    first = extrude(PRESET)
    again = extrude("resume", str(first.paths[-1].parent), "seed=7", outputs=False)
    assert again.code == 2
    assert "cannot change seed" in again.err
