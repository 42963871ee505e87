"""Memory of long clips: the peak of a command that makes 32 frames against one that makes 1,000.

``EXTRUDE_LONG_CLIPS="closed form"`` takes only the ways whose names have that in them.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from common.errors import InputError
from common.zoo.models import ZOO, check_embedded_prior

ROOT = Path(__file__).parents[2]
SHORT, LONG = 32, 1000
BAR_MB = 20.0
WAYS = {
    "segments, closed form, 64 px": (
        "prior={name: gaussian}",
        "prompt=a red ball bouncing",
        "method.height=64",
        "method.width=64",
    ),
    "segments, 64 px": ("method.height=64", "method.width=64"),
    "segments, 128 px": ("method.height=128", "method.width=128"),
    "windows, 64 px": (
        'method={"name": "long_video", "windows": {"overlap": 0}, "height": 64, "width": 64}',
    ),
}
"""How long clips are drawn: one segment after the other, or all at once in windows."""


def peak_mb(num_frames: int, arguments: tuple[str, ...]) -> float:
    """Peak resident memory of one command, interpreter and libraries included."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), "video/long_video", *arguments,
             f"method.num_frames={num_frames}", "sampler.num_steps=2",
             f"output_dir={folder}/outputs"],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        assert os.waitstatus_to_exitcode(status) == 0, f"{num_frames} frames failed"
        return usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Print both peaks and what lies between them."""
    try:
        check_embedded_prior(ZOO, "motion_layers")
    except InputError as missing:
        print(f"long clips: not run, {missing}")
        return
    asked = os.environ.get("EXTRUDE_LONG_CLIPS", "")
    for name, arguments in WAYS.items():
        if asked not in name:
            continue
        short, long = (peak_mb(count, arguments) for count in (SHORT, LONG))
        limit = f"  (bar {BAR_MB:.0f} MB)" if name.startswith("segments") else ""
        print(
            f"long clips, {name}: {short:.0f} MB for {SHORT} frames, {long:.0f} MB for {LONG}: "
            f"{long - short:+.1f} MB{limit}"
        )


if __name__ == "__main__":
    main()
