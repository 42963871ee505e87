"""Camera paths held against what was asked: figures by hand, and a run with untrained models."""

import json
import math
import shutil

import pytest

from common.cli.main import main
from common.media.video_read import read_clip
from run import APPS
from tests.common.evaluation.conftest import zoo  # noqa: F401
from tests.common.zoo.small_zoo import store_frame_layers
from tests.stopped_runs import stopped_at
from video.evaluation.camera_path import figures_of


def row(asked, drawn):
    return {"asked": asked, "drawn": drawn, "truth": asked, "thing": 1.0, "flicker": 0.0,
            "flicker_truth": 0.0, "jerk": 1.0, "jerk_truth": 1.0}  # fmt: skip


def test_figures_are_angles_on_the_circle():
    asked = [0.0, -30.0, -60.0, -90.0]
    seen = [350.0, 330.0, 320.0, 270.0]  # 10, 0, 20, 0 degrees away
    found = figures_of([row(asked, seen), row(asked, [0.0, 330.0, 300.0, 225.0])])
    assert found["error_deg"] == pytest.approx((30 + 45) / 8)
    assert found["within"] == pytest.approx(7 / 8)
    assert found["truth_deg"] == pytest.approx(0, abs=1e-4)
    assert found["still_deg"] == pytest.approx(30)  # 45, 15, 15, 45 from -45


def test_shuffled_is_the_error_against_the_other_frames():
    asked = [0.0, 30.0, 60.0, 90.0]
    found = figures_of([row(asked, asked)])
    assert found["error_deg"] == 0
    every = [abs(a - b) for a in asked for b in asked if a != b]
    assert found["shuffled_deg"] == pytest.approx(sum(every) / len(every))


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    models = tmp_path / "models"
    shutil.copytree(zoo, models)
    store_frame_layers(models, "view_layers")

    def evaluate(*changes):
        arguments = [
            "evaluate/camera_path", f"prior.models_dir={models}", f"judge_dir={models}",
            "method.size_px=64", "method.num_frames=4", "sampler.num_steps=2", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


def figures(paths):
    return json.loads(next(p for p in paths if p.name == "figures.json").read_text())


def test_things_whose_views_are_told_are_drawn_and_looked_at(evaluate):
    code, paths, said = evaluate()
    assert code == 0, said
    found = figures(paths)
    # The judge's figures tell the views of two things.
    assert {one["prompt"].split()[-1] for one in found["each"]} == {"car", "mug"}
    assert [one["asked"][-1] for one in found["each"]] == [120.0, -120.0]
    assert all(math.isfinite(value) for name, value in found.items() if name != "each")
    folder = next(p for p in paths if p.name == "figures.json").parent
    assert read_clip(folder / "00.webp", fps=8.0).frames.shape[:3] == (4, 64, 64)
    assert not (folder.parent / "parts").exists()


def test_stopped_evaluation_ends_in_the_same_figures(evaluate, tmp_path):
    whole = figures(evaluate("name=whole")[1])
    with stopped_at(2):
        assert evaluate("name=stopped")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")
    assert main(["resume", str(folder)], APPS) == 0
    assert json.loads((folder / "samples" / "figures.json").read_text()) == whole


def test_priors_without_views_are_refused(evaluate):
    code, paths, error = evaluate("prior={name: spacetime_dit}")
    assert (code, paths) == (2, [])
    assert "spacetime_dit prior knows no views" in error
