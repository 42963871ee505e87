"""What a run ran on: versions, commit, device, threads."""

import os
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "numpy", "diffusers", "transformers", "safetensors", "av", "trimesh", "numba")
_ROOT = Path(__file__).resolve().parents[2]


def versions() -> dict[str, str]:
    """Extrude's and its main packages' versions, without importing them."""
    found = {"extrude": _version("extrude"), "python": platform.python_version()}
    return found | {name: _version(name) for name in PACKAGES}


def environment(device: str) -> dict[str, Any]:
    """The record that goes into ``environment.json``."""
    import torch

    return {
        "versions": versions(),
        "commit": commit(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cpu_count": os.cpu_count(),
        "num_threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
    }


def commit() -> str | None:
    """The checkout's commit, with ``+changes`` when files differ; None outside a checkout."""
    try:
        head = _git("rev-parse", "HEAD")
        dirty = _git("status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}+changes" if dirty else head


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(_ROOT), *arguments],
        capture_output=True, text=True, timeout=5, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
