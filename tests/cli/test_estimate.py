"""What ``--dry-run`` says of memory, against what the run then takes."""

import re

import pytest

from common.report.json_report import read_record

RUNS = {
    "smallest": ("smoke/video",),
    "pictures": ("smoke/image", "method={height: 384, width: 384}", "num_samples=4"),
    "clips": ("smoke/video", "method={height: 64, width: 64, num_frames: 16}"),
    "batch": ("smoke/video", "method={height: 64, width: 64}", "batch_size=16", "num_samples=16"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", RUNS)
def test_memory_estimate_covers_the_peak_and_is_near_it(extrude, case):
    said = extrude(*RUNS[case], "--dry-run")
    mib = re.search(r"peak memory: about ([\d,]+) MiB", said.out)[1].replace(",", "")
    done = extrude(*RUNS[case])
    peak = read_record(done.paths[-1].parent).peak_memory_mb * 1e6 / 2**20
    # The interpreter with its libraries varies by some 10 % between machines.
    assert 0.9 * peak <= int(mib) <= 1.4 * peak
