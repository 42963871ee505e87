"""What the command line costs before and around the work."""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPEATS = 5
TINY = ("smoke/video", "num_samples=1", "sampler.num_steps=1", "export.formats=[mp4]")


def seconds(*arguments: str) -> float:
    """Wall time of one command, the interpreter's start included."""
    with tempfile.TemporaryDirectory() as folder:
        extra = [] if arguments[0] in ("list",) else [f"output_dir={folder}/outputs"]
        begin = time.perf_counter()
        subprocess.run(
            [sys.executable, str(ROOT / "run.py"), *arguments, *extra],
            cwd=folder, capture_output=True, check=True,
        )  # fmt: skip
        return time.perf_counter() - begin


def imports() -> list[tuple[float, str]]:
    """Seconds of each top-level package that a run imports, its own imports not counted."""
    code = f"import sys, run\nfrom common.cli.main import main\nmain({list(TINY)!r}, run.APPS)"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-c", code],
            cwd=folder, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
    found: dict[str, float] = {}
    for line in done.stderr.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if line.startswith("import time:") and parts[0].strip().isdigit():
            package = parts[2].strip().split(".")[0]
            found[package] = found.get(package, 0.0) + int(parts[0]) / 1e6
    return sorted(((time, name) for name, time in found.items()), reverse=True)


def main() -> None:
    """Print medians of five."""
    for name, arguments, bar in (
        ("run.py list", ("list",), 1.0),
        ("smallest run, start to end", TINY, 6.0),
        ("--print-config", ("smoke/video", "--print-config"), None),
    ):
        seconds(*arguments)  # the first one fills the disk cache
        times = [seconds(*arguments) for _ in range(REPEATS)]
        limit = f"  (bar {bar:.1f} s)" if bar else ""
        print(f"{name}: {statistics.median(times):.2f} s, worst {max(times):.2f} s{limit}")
    print("of which imports, packages over 0.05 s:")
    for time_s, name in imports():
        if time_s > 0.05:
            print(f"  {name}: {time_s:.2f} s")
