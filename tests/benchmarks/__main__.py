"""``make bench``: every benchmark, or those named: ``python -m tests.benchmarks startup raster``.

Benchmarks are modules ``bench_<name>.py`` with a ``main()`` that prints a table. They compare pairs
of runs in one process where they can, so that the figures mean the same on another machine.
"""

import importlib
import platform
import sys
from pathlib import Path

import torch

from common.runs.environment import commit, environment


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    here = Path(__file__).parent
    known = sorted(path.stem.removeprefix("bench_") for path in here.glob("bench_*.py"))
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    machine = environment("cuda" if torch.cuda.is_available() else "cpu")
    print(f"{machine['processor']}, {machine['cpu_count']} CPUs, {platform.platform()}")
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, commit {commit()}")
    for name in names or known:
        print(f"\n== {name}")
        importlib.import_module(f"tests.benchmarks.bench_{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
