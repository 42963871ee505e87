"""What the files of a run hold, and what they depend on."""

import numpy as np
import pytest

from common.media.images import read_picture
from common.media.provenance import read_provenance
from common.media.video_probe import probe


def pictures(done):
    assert done.code == 0, done.err
    found = [path for path in done.paths if path.suffix == ".png" and path.stem.isdigit()]
    return [read_picture(path).astype(int) for path in found]


@pytest.mark.slow
def test_sample_does_not_depend_on_its_batch(command):
    shape = ("smoke/image", "num_samples=3", "export.formats=[png]")
    alone, together = (pictures(command(*shape, f"batch_size={size}")) for size in (1, 3))
    assert len(alone) == len(together) == 3
    for one, other in zip(alone, together, strict=True):
        # Latents agree to 1e-4, a fiftieth of a level; a value near .5 may round the other way.
        assert np.abs(one - other).max() <= 1
    assert np.abs(alone[0] - alone[1]).max() > 10


@pytest.mark.slow
def test_more_samples_leave_the_first_ones_as_they_were(command):
    shape = ("smoke/image", "export.formats=[png]", "batch_size=1")
    few, many = (pictures(command(*shape, f"num_samples={n}")) for n in (2, 4))
    for one, other in zip(few, many[:2], strict=True):
        assert np.array_equal(one, other)


@pytest.mark.slow
def test_every_format_says_how_it_was_made_and_what_it_is(command):
    done = command(
        "smoke/video", "prompt=一个红色的球", "num_samples=1",
        "export.formats=[mp4,webp,gif,webm,png]",
    )  # fmt: skip
    assert done.code == 0, done.err
    files = [path for path in done.paths if path.suffix != ".html"]
    assert {path.suffix for path in files} == {".mp4", ".webp", ".gif", ".webm", ".png"}
    for path in files:
        found = read_provenance(path)
        assert found.prompt == "一个红色的球"
        assert found.config["sampler"]["num_steps"] == 4
        assert "output_dir" not in found.config
        said = command("inspect", str(path))
        assert said.code == 0, said.err
        assert "prompt: 一个红色的球" in said.out
        if path.suffix != ".png":
            clip = probe(path)
            assert (clip.width, clip.height, len(clip.starts)) == (32, 32, 5)
            assert clip.duration_s == pytest.approx(5 / 8, abs=0.01)  # GIF counts 1/100 s


@pytest.mark.slow
def test_provenance_off_leaves_no_trace(command):
    done = command(
        "smoke/video", "embed_provenance=false", "prompt=a purple heart", "num_samples=2",
        "export.formats=[mp4,webp,gif,webm,png]",
    )  # fmt: skip
    assert done.code == 0, done.err
    for path in done.paths[:-1]:
        assert read_provenance(path) is None
        data = path.read_bytes().lower()
        assert b"purple" not in data
        assert b"extrude" not in data
        refused = command("rerun", str(path))
        assert refused.code == 2
        assert "embed_provenance=false" in refused.err


@pytest.mark.slow
def test_run_folder_holds_what_it_promises(command):
    done = command("smoke/video", "seed=5")
    folder = done.paths[-1].parent
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        "config.yaml", "source.yaml", "command.txt", "environment.json", "run.log",
        "metrics.jsonl", "samples", "status.json", "report.json", "report.html",
        "contact_sheet.png",
    }  # fmt: skip
    said = command("inspect", str(folder))
    assert "status: done" in said.out
    # No terminal here: progress comes in whole lines.
    assert "\r" not in done.err
    assert "sampling: 100%" in done.err
