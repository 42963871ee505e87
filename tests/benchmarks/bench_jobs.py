"""The main jobs as a user starts them: command to files, interpreter and report included."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common.errors import InputError
from common.zoo.models import ZOO, FrameKind, check_embedded_prior

ROOT = Path(__file__).parents[2]
REPEATS = 3
JOBS: tuple[tuple[str, tuple[str, ...], FrameKind | None, float | None], ...] = (
    ("picture", ("image/text_to_image", "prompt=a red car", "num_samples=1"), None, None),
    ("clip", ("video/text_to_video", "prompt=a red car slides to the left"), "motion_layers", 20.0),
    ("asset", ("threed/text_to_3d", "prompt=a red car"), "view_layers", 300.0),
)  # fmt: skip
"""Name, arguments, the layers it needs, and the most seconds it may take on two cores."""


def seconds(arguments: tuple[str, ...]) -> float:
    """Wall time of one command."""
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *arguments, f"output_dir={folder}/outputs"],
            cwd=folder, capture_output=True, check=True,
        )  # fmt: skip
        return time.perf_counter() - begin


def main() -> None:
    """Print the median of three of each job whose models are there."""
    for name, arguments, layers, bar in JOBS:
        try:
            check_embedded_prior(ZOO, layers)
        except InputError as missing:
            print(f"{name}: not run, {missing}")
            continue
        seconds(arguments)  # compiles kernels into the cache, fills the disk cache
        times = [seconds(arguments) for _ in range(REPEATS)]
        limit = f"  (bar {bar:.0f} s)" if bar else ""
        print(f"{name}: {statistics.median(times):.1f} s, worst {max(times):.1f} s{limit}")
