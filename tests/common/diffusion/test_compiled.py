import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from common.diffusion.compiled import check_compile
from common.errors import InputError

ROOT = Path(__file__).parents[3]


def can_compile():
    try:
        check_compile("cpu")
    except InputError:
        return False
    return True


@pytest.mark.slow
@pytest.mark.skipif(not can_compile(), reason="a CPU needs a C++ compiler; CI installs one")
def test_compiled_clips_are_those_that_are_not():
    done = subprocess.run(
        [sys.executable, "-m", "tests.common.diffusion.compiled_clip"],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    # Fused sums are rounded in another order.
    assert len(found["off"]) == 3
    assert max(found["off"]) < 1e-5
    assert found["between texts"] > 1e-3, "what is told is not frozen with the weights"
