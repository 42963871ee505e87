"""What an installed package must hold beside its code."""

import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOT_INSTALLED = ("video/README.md", "threed/README.md")
"""Only read in the repository."""


def test_every_data_file_of_the_packages_is_installed():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    patterns = settings["package-data"]["common"]
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--"]
    listed = subprocess.run(
        [*command, "common", "video", "threed"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [name for name in listed.stdout.splitlines() if not name.endswith(".py")]
    assert any(name.endswith(".safetensors") for name in files)
    left_out = [
        name for name in files
        if name not in NOT_INSTALLED
        and not (name.startswith("common/") and any(fnmatch(name, one) for one in patterns))
    ]  # fmt: skip
    assert not left_out
