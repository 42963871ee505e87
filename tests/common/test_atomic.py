import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.atomic import atomic_path, write_bytes, write_json

ROOT = Path(__file__).parents[2]


def test_atomic_path_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "clip.mp4"
    write_bytes(path, b"old")

    def write_half() -> None:
        with atomic_path(path) as partial:
            assert partial.suffix == ".mp4"
            partial.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["clip.mp4"]


def test_write_json_refuses_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_kill_while_writing_never_shows_half_a_file(tmp_path):
    path = tmp_path / "big.bin"
    code = (
        "import sys; from pathlib import Path; from common.atomic import write_bytes\n"
        "while True: write_bytes(Path(sys.argv[1]), b'x' * 3_000_000)"
    )
    for wait in (0.1, 0.15, 0.2):
        process = subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT)
        while not path.exists():
            time.sleep(0.005)
        time.sleep(wait)
        process.kill()
        process.wait()
        assert path.stat().st_size == 3_000_000
