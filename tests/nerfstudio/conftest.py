"""Runs nerfstudio's own commands on a small dataset; `make nerfstudio` has the environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tests.nerfstudio.torchvision_on_cpu.sitecustomize  # noqa: F401
from tests.nerfstudio.object_dataset import write_object

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """Of every command: torchvision can be imported, one thread."""
    path = str(Path(__file__).with_name("torchvision_on_cpu"))
    one = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "COLUMNS": "200"}
    return os.environ | one | {"PYTHONPATH": path}


def command(*words: str) -> list[str]:
    """A command of this environment, such as ns-train."""
    return [str(Path(sys.executable).with_name(words[0])), *words[1:]]


def done(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command, run to its end."""
    return subprocess.run(
        command(*words), cwd=cwd, env=environment(), capture_output=True, text=True, check=False
    )


def run(*words: str, cwd: Path) -> str:
    """What a command that must succeed prints."""
    finished = done(*words, cwd=cwd)
    assert finished.returncode == 0, finished.stdout[-3000:] + finished.stderr[-6000:]
    return finished.stdout


def run_folder(cwd: Path, method: str, name: str) -> Path:
    """The folder of the only run of an experiment."""
    (folder,) = (cwd / "outputs" / name / method).iterdir()
    return folder


def train(cwd: Path, method: str, name: str, *words: str) -> Path:
    """The folder of a training without a viewer."""
    run(
        "ns-train", method, "--experiment-name", name, "--vis", "tensorboard",
        "--viewer.quit-on-train-completion", "True", *words, cwd=cwd,
    )  # fmt: skip
    return run_folder(cwd, method, name)


@pytest.fixture(scope="session")
def place(tmp_path_factory) -> Path:
    """A folder with the dataset ``object`` in it."""
    folder = tmp_path_factory.mktemp("nerfstudio")
    write_object(folder / "object")
    return folder


FIT = (
    "--data", "object", "--steps-per-save", "20", "--save-only-latest-checkpoint", "False",
    "--pipeline.model.refine-at", "15", "--pipeline.datamanager.train-num-rays-per-batch", "2048",
)  # fmt: skip


@pytest.fixture(scope="session")
def fitted(place) -> Path:
    """The run of a fit of 41 steps, with checkpoints after steps 20 and 40."""
    return train(place, "extrude", "whole", *FIT, "--max-num-iterations", "41")
