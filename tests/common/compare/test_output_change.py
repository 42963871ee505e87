import math
from pathlib import Path

import numpy as np
import pytest

from common.compare.collect import Result
from common.compare.config import CompareConfig, MetricConfig, Variant
from common.compare.output_change import output_changes, output_table, squared_error
from common.compare.plan import Cell
from common.generation.sidecar import Sidecar
from common.media.images import write_picture
from common.report.json_report import RunRecord
from common.runs.folder import RunFolder


def picture(folder: Path, name: str, value: int, alpha: int = 255, side: int = 8) -> Path:
    pixels = np.full((side, side, 4), value, np.uint8)
    pixels[..., 3] = alpha
    path = folder / name
    write_picture(path, pixels)
    return path


def result(folder: Path, label: str, seed: int, values: tuple[int, ...], seconds: float):
    """What `collect` finds of a run with one grey picture for each value."""
    samples = folder / f"{label}-{seed}" / "samples"
    samples.mkdir(parents=True)
    for sample, value in enumerate(values):
        name = picture(samples, f"{sample:03d}_poster.png", value).name
        Sidecar(sample, seed, "x", (name,), name, {}).write(samples)
    record = RunRecord(
        name=label, app="image", status="done", metrics={}, samples=(),
        timings_s={"sampling": seconds, "prior": 9.0}, peak_memory_mb=100.0,
        peak_device_memory_mb=None, artefacts=(), environment={},
    )  # fmt: skip
    cell = Cell(label, "x", seed, seed, f"{label}-{seed}", {})
    return Result(cell, RunFolder(samples.parent), record, {})


def test_errors_are_of_what_is_seen_over_white(tmp_path):
    black, grey = picture(tmp_path, "a.png", 0), picture(tmp_path, "b.png", 51)
    assert squared_error(black, grey) == 51**2
    assert squared_error(black, black) == 0
    half = picture(tmp_path, "c.png", 0, alpha=51)  # over white: 204
    assert squared_error(half, black) == 204**2
    unseen = [picture(tmp_path, f"{value}.png", value, alpha=0) for value in (3, 200)]
    assert squared_error(*unseen) == 0
    with pytest.raises(ValueError, match=r"8x8 pixels .* 4x4"):
        squared_error(black, picture(tmp_path, "d.png", 0, side=4))


def test_of_clips_with_pictures_of_all_frames_these_are_compared(tmp_path):
    results = [result(tmp_path, label, 0, (100,), 1.0) for label in ("plain", "fast")]
    for one, values in zip(results, ((10, 20), (10, 26)), strict=True):
        folder = one.folder.samples / "000_frames"
        folder.mkdir()
        names = [picture(folder, f"{k:05d}.png", value) for k, value in enumerate(values)]
        files = ("000.mp4", f"000_frames/{names[0].name}")
        Sidecar(0, 0, "x", files, "000_poster.png", {}).write(one.folder.samples)
    _, fast = output_changes(("plain", "fast"), results, "plain")
    assert fast.psnr_db == pytest.approx(10 * math.log10(255**2 / (36 / 2)))
    names[1].unlink()
    with pytest.raises(ValueError, match=r"has 1 frames and .* has 2"):
        output_changes(("plain", "fast"), results, "plain")


def test_psnr_is_of_the_mean_squared_error_and_the_baseline_has_none(tmp_path):
    results = [
        result(tmp_path, "plain", 0, (100, 50), 2.0), result(tmp_path, "plain", 1, (10, 10), 4.0),
        result(tmp_path, "fast", 0, (100, 56), 1.0), result(tmp_path, "fast", 1, (12, 10), 1.0),
        result(tmp_path, "same", 0, (100, 50), 1.0),
    ]  # fmt: skip
    plain, fast, same = output_changes(("plain", "fast", "same"), results, "plain")
    assert (plain.psnr_db, plain.num_same, plain.num_samples) == (None, 4, 4)
    assert plain.sampling_s == 2.0, "the shortest"
    assert fast.psnr_db == pytest.approx(10 * math.log10(255**2 / ((36 + 4) / 4)))
    assert (fast.num_same, fast.num_samples, fast.sampling_s) == (2, 4, 1.0)
    assert (same.psnr_db, same.num_same, same.num_samples) == (None, 2, 2)
    table = output_table((plain, fast, same), "plain")
    assert table.rows[1] == ("fast", 1.0, 100.0, fast.psnr_db, "2 of 4")


def test_samples_of_other_seeds_are_not_held_against_each_other():
    two = (Variant(label="a"), Variant(label="b"))
    with pytest.raises(ValueError, match="leave common_seeds true"):
        CompareConfig(
            name="x", run="image/text_to_image", variants=two, common_seeds=False,
            metrics=(MetricConfig(metric="time_s", better="lower"),), output_change=True,
        )  # fmt: skip
