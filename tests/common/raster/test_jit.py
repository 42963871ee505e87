import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RASTER = Path(__file__).parents[3] / "common" / "raster"

CALLEE = """
from typing import no_type_check
from common.raster.jit import kernel

@kernel
@no_type_check
def step(x):
    return x + 1
"""
CALLER = """
from typing import no_type_check
from common.raster.inner_kernels import step
from common.raster.jit import kernel

@kernel
@no_type_check
def outer(x):
    return 10 * step(x)
"""


@pytest.fixture
def package(tmp_path):
    """A copy of the decorator with two kernels that call across files."""
    folder = tmp_path / "common" / "raster"
    folder.mkdir(parents=True)
    shutil.copy(RASTER / "jit.py", folder)
    (folder / "inner_kernels.py").write_text(CALLEE)
    (folder / "outer_kernels.py").write_text(CALLER)
    return tmp_path


def run(package, module="common.raster", **environment):
    code = (
        f"from {module}.outer_kernels import outer\n"
        "print(outer(1), sum(outer.stats.cache_hits.values()) if hasattr(outer, 'stats') else '')"
    )
    return subprocess.run(
        [sys.executable, "-c", code], cwd=package, text=True, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": str(package), **environment},
    )  # fmt: skip


def test_machine_code_is_kept_until_any_kernel_changes(package):
    assert run(package).stdout.split() == ["20", "0"]
    assert run(package).stdout.split() == ["20", "1"]
    # same length and time: only the content tells
    callee = package / "common" / "raster" / "inner_kernels.py"
    times = callee.stat()
    callee.write_text(CALLEE.replace("x + 1", "x + 2"))
    os.utime(callee, ns=(times.st_atime_ns, times.st_mtime_ns))
    for cached in (callee.parent / "__pycache__").glob("inner_kernels.*.pyc"):
        cached.unlink()  # Python's own cache goes by time and size
    assert run(package).stdout.split() == ["30", "0"]


def test_kernels_of_another_folder_know_their_neighbours(package):
    folder = package / "elsewhere"
    folder.mkdir()
    (folder / "inner_kernels.py").write_text(CALLEE)
    (folder / "outer_kernels.py").write_text(
        CALLER.replace("common.raster.inner", "elsewhere.inner")
    )
    assert run(package, "elsewhere").stdout.split() == ["20", "0"]
    (folder / "inner_kernels.py").write_text(CALLEE.replace("x + 1", "x + 23"))
    assert run(package, "elsewhere").stdout.split() == ["240", "0"]


def test_a_read_only_machine_still_computes_and_says_what_to_do(package):
    # no place for a cache anywhere: neither beside the source nor in the home folder
    blocked = package / "common" / "raster" / "__pycache__"
    blocked.write_text("a file where folders are wanted")
    homes = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR"), str(blocked / "below"))
    done = run(package, **homes)
    assert done.stdout.split()[0] == "20"
    assert "set NUMBA_CACHE_DIR to a writable folder" in done.stderr
