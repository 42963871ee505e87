"""Bad files of meshes and Gaussians: time and memory until they are refused or read.

Each is converted by a process of its own, interpreter and imports included; what these alone take
stands in the first line. Nothing may end in a traceback or take longer than the deadline.
"""

import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
DEADLINE_S, MOST_MB = 300.0, 4096
FACES = 2_000_000


def _obj(body: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        path = folder / "mesh.obj"
        path.write_text(body)
        return path

    return write


def _huge_buffer(folder: Path) -> Path:
    """A GLB of 200 bytes that declares four gigabytes."""
    text = (
        b'{"asset":{"version":"2.0"},"buffers":[{"byteLength":4294967295}],"scenes":[{"nodes":[0]}]'
        b',"nodes":[{"mesh":0}],"meshes":[{"primitives":[{"attributes":{}}]}]}'
    )
    text += b" " * (-len(text) % 4)
    path = folder / "mesh.glb"
    path.write_bytes(struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A)
                     + text)  # fmt: skip
    return path


def _many_faces(count: int) -> Callable[[Path], Path]:
    """A bumpy sheet of faces in a binary PLY."""

    def write(folder: Path) -> Path:
        side = int((count / 2) ** 0.5) + 2
        rows, columns = np.indices((side, side), dtype=np.float32)
        points = np.stack([columns, np.sin(rows) * np.cos(columns), rows], -1).reshape(-1, 3)
        index = np.arange(side * side, dtype=np.int32).reshape(side, side)
        a, b, c, d = (p.ravel() for p in (index[:-1, :-1], index[1:, :-1], index[1:, 1:],
                                          index[:-1, 1:]))  # fmt: skip
        faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])[:count]
        table = np.zeros(len(faces), [("n", "u1"), ("corners", "<i4", 3)])
        table["n"], table["corners"] = 3, faces
        head = (
            f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n"
            "property float x\nproperty float y\nproperty float z\n"
            f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
        )
        path = folder / "mesh.ply"
        path.write_bytes(head.encode() + points.astype("<f4").tobytes() + table.tobytes())
        return path

    return write


def _cut(folder: Path) -> Path:
    whole = _many_faces(20_000)(folder)
    whole.write_bytes(whole.read_bytes()[:-1000])
    return whole


def _noisy_splats(folder: Path) -> Path:
    path = folder / "cloud.splat"
    path.write_bytes(np.random.default_rng(0).bytes(32 * 100_000))
    return path


_FAN = "v 0 0 0\nv 0 1 0\nv 1 0 0\nv -1 0 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 1 2 5\n"
_TIDY = ("method.cleaning={}", "method.texture_px=256")
CASES: tuple[tuple[str, Callable[[Path], Path], tuple[str, ...]], ...] = (
    ("three faces, nothing wrong", _obj("v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 2 3\n"), ()),
    ("NaN vertices", _obj("v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n"), ()),
    ("no faces", _obj("v 0 0 0\nv 1 0 0\n"), ()),
    ("edges of three faces, cleaned and textured", _obj(_FAN), _TIDY),
    ("four gigabytes declared", _huge_buffer, ()),
    ("cut off", _cut, ()),
    ("2,000,001 faces", _many_faces(FACES + 1), ()),
    ("2,000,000 faces", _many_faces(FACES), ()),
    ("2,000,000 faces to 20,000, textured", _many_faces(FACES), ("method.max_faces=20000", *_TIDY)),
    ("random bytes as Gaussians", _noisy_splats, ()),
)


def measured(write: Callable[[Path], Path], changes: tuple[str, ...]) -> str:
    """Exit code, seconds and peak memory of one conversion, and its last words."""
    with tempfile.TemporaryDirectory() as name:
        path, begin = write(Path(name)), time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "run.py"), "threed/convert", f"method.input={path}",
             f"output_dir={name}/outputs", *changes],
            cwd=name, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds, memory = time.perf_counter() - begin, usage.ru_maxrss / 1024
        code = os.waitstatus_to_exitcode(status)
        process.returncode = code
        worked = usage.ru_utime + usage.ru_stime
    judged = {
        "TRACEBACK": "Traceback" in said or code not in (0, 2),
        "TOO SLOW": seconds > DEADLINE_S,
        "TOO LARGE": memory > MOST_MB,
    }
    flaws = [word for word, wrong in judged.items() if wrong]
    last = (said.strip().splitlines() or [""])[-1].replace(name, "")[-100:] if code else ""
    return " ".join([f"code {code}, {seconds:.1f} s, processor {worked:.1f} s, {memory:.0f} MB",
                     *flaws, last])  # fmt: skip


def main() -> None:
    """Print a line for each file."""
    print(f"load {os.getloadavg()[0]:.1f} before the start")
    for name, write, changes in CASES:
        print(f"{name}: {measured(write, changes)}", flush=True)


if __name__ == "__main__":
    main()
