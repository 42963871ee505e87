"""Sets of clips in folders, held against each other by the command."""

import json
import shutil

import numpy as np
import pytest

from common.cli.main import main
from common.media.clips import write_clip
from common.media.pixels import composite
from run import APPS
from tests.stopped_runs import stopped_at
from video.judged_metrics import judged_metrics, load_clip_judge
from video.metrics import clip_metrics

COUNT = 16


def sliding(number, colour, num_frames=4):
    """A square on nothing that goes to the right, straight RGBA."""
    frames = np.tile(np.array([255, 255, 255, 0], np.uint8), (num_frames, 32, 32, 1))
    for step in range(num_frames):
        left = 2 + number % 5 + 2 * step
        frames[step, 6 + number : 16 + number, left : left + 12] = (*colour, 255)
    return frames


@pytest.fixture
def folders(tmp_path):
    """Red and blue squares as transparent WebP."""
    for name, colour in (("red", (200, 30, 30)), ("blue", (30, 60, 200))):
        (tmp_path / name).mkdir()
        for number in range(COUNT):
            write_clip(tmp_path / name / f"{number:03d}.webp", sliding(number, colour), 8.0)
    return tmp_path


@pytest.fixture
def held_against(folders, monkeypatch, capsys):
    """Run ``evaluate/clip_distance``: exit code, figures, messages."""
    monkeypatch.chdir(folders)

    def held_against(*changes):
        code = main(
            ["evaluate/clip_distance", "real=[red]", "drawn=[blue]", "num_frames=4",
             "num_resamples=199", "metrics=[flow_px, judge_subject_consistency]", *changes],
            APPS,
        )  # fmt: skip
        said = capsys.readouterr()
        found = sorted((folders / "outputs").glob("*/2*/samples/figures.json"))
        return code, json.loads(found[-1].read_text()) if code == 0 else {}, said.err

    return held_against


def test_sets_are_told_apart_and_a_set_from_itself_is_not(held_against, folders):
    code, figures, said = held_against()
    assert code == 0, said
    assert figures["fvd"] > 2 * figures["fvd/floor"]
    assert figures["fvd/p_value"] == 1 / 200
    assert figures["fvd/lo"] < figures["fvd"] < figures["fvd/hi"]
    assert (figures["num_real"], figures["num_drawn"]) == (COUNT, COUNT)
    assert "16 and 16 clips: distances of few clips are too large" in said
    # Figures of single clips are those of the runs that draw them.
    first = figures["each"]["real"][0]
    frames = sliding(0, (200, 30, 30))
    names = ["judge_subject_consistency"]
    expected = judged_metrics(names, load_clip_judge(), frames, None)
    expected |= clip_metrics(["flow_px"], composite(frames, "#ffffff"))
    assert first == pytest.approx({"clip": "red/000.webp"} | expected)
    assert figures["real/flow_px"] == pytest.approx(
        np.mean([one["flow_px"] for one in figures["each"]["real"]])
    )

    shutil.copytree("red", "again")
    code, figures, said = held_against("name=same", "drawn=[again]", "metrics=[]")
    assert code == 0, said
    assert figures["fvd"] == pytest.approx(0, abs=1e-9)


def test_stopped_measurement_ends_in_the_same_figures(held_against, folders):
    _, whole, _ = held_against("name=whole")
    with stopped_at(20):
        assert held_against("name=stopped")[0] == 130
    (folder,) = (folders / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert json.loads((folder / "samples" / "figures.json").read_text()) == whole


def test_folders_of_runs_and_files_are_read_each_clip_once(held_against, folders):
    (folders / "run" / "samples").mkdir(parents=True)
    for number in range(8):
        for suffix in ("webp", "mp4"):
            frames = sliding(number, (30, 60, 200))
            shown = frames if suffix == "webp" else frames[..., :3]
            write_clip(folders / "run" / "samples" / f"{number:03d}.{suffix}", shown, 8.0)
    files = ", ".join(f"blue/{number:03d}.webp" for number in range(8, COUNT))
    code, figures, said = held_against(f"drawn=[run, {files}]", "metrics=[]")
    assert code == 0, said
    names = [one["clip"] for one in figures["each"]["drawn"]]
    assert names == [
        *(f"run/samples/{number:03d}.webp" for number in range(8)),
        *(f"blue/{number:03d}.webp" for number in range(8, COUNT)),
    ]


@pytest.mark.parametrize(("changes", "message"), [
    (("drawn=[none]",), "none: there is no such file or folder"),
    (("drawn=[blue/000.webp]",), "drawn is of 1 clips; distances of sets are of 16 to 10,000"),
    (("drawn=[blue, blue]",), "blue/000.webp is twice in drawn"),
    (("drawn=[blue]", "formats=[mp4]"), "red has no clips: mp4 files are looked for"),
    (("num_frames=5",), "red/000.webp has 4 frames at 8 a second, and num_frames=5"),
    (("drawn=[fast]",), "fast/000.webp 12: set fps"),
    (("drawn=[opaque]",), "clips of real can be seen through (000.webp), and those of drawn"),
    (("metrics=[judge_background_consistency]",), "the clips can be seen through"),
    (("metrics=[judge_text_alignment]",), "which sets of files do not have"),
    (("num_frames=2", "metrics=[smoothness]"), "smoothness is of 3 frames or more"),
])  # fmt: skip
def test_what_cannot_be_held_against_each_other_is_refused(held_against, folders, changes, message):
    for name, rate, channels in (("fast", 12.0, 4), ("opaque", 8.0, 3)):
        (folders / name).mkdir()
        for number in range(COUNT):
            frames = sliding(number, (30, 60, 200))[..., :channels]
            write_clip(folders / name / f"{number:03d}.webp", frames, rate)
    code, _, said = held_against(*changes)
    assert code == 2
    assert message in said
    assert not (folders / "outputs").exists()


def test_damaged_clip_is_named(held_against, folders):
    path = folders / "blue" / "003.webp"
    path.write_bytes(path.read_bytes()[:200])
    code, _, said = held_against()
    assert code == 2
    assert "blue/003.webp" in said
