"""The four steps of CONTRIBUTING.md, carried out as they are written."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import environment

ROOT = Path(__file__).parents[1]
STEP = re.compile(
    r"^### \d\. .*?`(?P<path>[^`]+)`.*?^```(?P<kind>\w+)\n(?P<body>.*?)^```", re.M | re.S
)


@pytest.fixture
def copy(tmp_path):
    """The project's code and presets, without weights and history."""
    for name in ("common", "video", "threed", "configs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns(
            "__pycache__", "zoo"))  # fmt: skip
    for name in ("run.py", "pyproject.toml", "tests/__init__.py", "tests/conftest.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def apply(root: Path, path: str, kind: str, body: str) -> None:
    if kind != "diff":
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(body, encoding="utf-8")
        return
    text = (root / path).read_text(encoding="utf-8")
    for old, new in re.findall(r"^-(.*)\n((?:\+.*\n)+)", body, re.M):
        added = "\n".join(line[1:] for line in new.splitlines())
        assert text.count(old) == 1, f"{path} has no single line {old!r}"
        text = text.replace(old, added)
    (root / path).write_text(text, encoding="utf-8")


@pytest.mark.slow
def test_four_steps_add_a_working_method(copy):
    steps = [match.groupdict() for match in STEP.finditer((ROOT / "CONTRIBUTING.md").read_text())]
    assert [step["kind"] for step in steps] == ["python", "diff", "yaml", "python"]
    for step in steps:
        apply(copy, **step)
    edited = [step for step in steps if step["kind"] == "diff"]
    assert len(edited) == 1, "one existing file is edited, the others are new"

    def run(*arguments: str) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=copy, env=environment() | {"PYTHONPATH": str(copy)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/threed/test_relief.py")
    from common.media.images import write_picture
    from tests.threed.test_convert import checker

    write_picture(copy / "picture.png", checker(24))
    paths = run("run.py", "threed/relief").stdout.splitlines()
    assert paths[0].endswith("picture.glb")
    assert (copy / paths[0]).is_file()
    assert "relief" in run("run.py", "list").stdout
    assert "Height of white" in run("run.py", "explain", "threed.method.height").stdout
