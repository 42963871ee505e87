"""Running the command line as a user does."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.cli.main import main
from run import APPS

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Done:
    """What a finished command said."""

    code: int
    out: str
    err: str
    folder: Path
    """Where it ran."""

    @property
    def paths(self) -> list[Path]:
        """The artefacts and the report: the lines of stdout."""
        return [self.folder / line for line in self.out.splitlines()]


def environment() -> dict[str, str]:
    """One thread, and no CUDA, wherever the tests run."""
    return os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture
def extrude(tmp_path):
    """Run ``run.py`` in a process of its own, with outputs in the test's folder."""

    def extrude(*arguments: str, outputs: bool = True, timeout: float = 300) -> Done:
        extra = [f"output_dir={tmp_path / 'outputs'}"] if outputs else []
        done = subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *arguments, *extra],
            cwd=tmp_path, env=environment(), capture_output=True, text=True,
            timeout=timeout, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout, done.stderr, tmp_path)

    return extrude


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Carry out a command line in this process: faster, for what ends before anything runs."""
    monkeypatch.chdir(tmp_path)

    def command(*arguments: str) -> Done:
        code = main(list(arguments), APPS)
        said = capsys.readouterr()
        return Done(code, said.out, said.err, tmp_path)

    return command
