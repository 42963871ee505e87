"""Long clips against short ones, with untrained models."""

import json
import math

import pytest

from common.cli.main import main
from common.media.video_read import read_clip
from run import APPS
from tests.common.evaluation.conftest import zoo  # noqa: F401
from tests.stopped_runs import stopped_at


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.chdir(tmp_path)

    def evaluate(*changes):
        arguments = [
            "evaluate/long_clips", f"prior.models_dir={zoo}", f"judge_dir={zoo}",
            "method.size_px=64", "method.num_frames=32", "max_prompts=2", "sampler.num_steps=2",
            *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


def figures_of(paths):
    return json.loads(next(p for p in paths if p.name == "figures.json").read_text())


def test_ratios_are_of_what_was_measured_of_each_clip(evaluate):
    code, paths, said = evaluate("method.ways=[segments,straight]")

    assert code == 0, said
    found = figures_of(paths)
    assert len(found["each"]) == 2
    for way in ("segments", "straight"):
        for name, above, below in (
            ("seam", (way, "across"), (way, "inside")),
            ("seam beside", (way, "across"), (way, "beside")),
            ("dynamic degree", (way, "flow_px"), ("short", "flow_px")),
            ("consistency", (way, "consistency"), ("short", "consistency")),
        ):
            one, other = (sum(row[c][f] for row in found["each"]) for c, f in (above, below))
            assert found[f"{way}/{name}"] == pytest.approx(one / other)
            assert found[f"{way}/{name} lo"] <= one / other <= found[f"{way}/{name} hi"]
        assert all(math.isfinite(value) for row in found["each"] for value in row[way].values())
    folder = next(p for p in paths if p.name == "figures.json").parent
    lengths = {path.stem: len(read_clip(path, fps=8.0).frames) for path in folder.glob("*.webp")}
    assert lengths == {
        "short_00": 16, "short_01": 16, "segments_00": 32, "segments_01": 32, "straight_00": 32,
        "straight_01": 32,
    }  # fmt: skip
    assert not (folder.parent / "parts").exists()


def test_stopped_evaluation_ends_in_the_same_figures(evaluate, tmp_path):
    whole = figures_of(evaluate("name=whole", "method.ways=[segments]")[1])
    with stopped_at(3):
        assert evaluate("name=stopped", "method.ways=[segments]")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")
    assert main(["resume", str(folder)], APPS) == 0
    assert json.loads((folder / "samples" / "figures.json").read_text()) == whole


@pytest.mark.parametrize(
    ("changes", "said"),
    [(["method.ways=[segments,segments]"], "name each once"),
     (["method.ways=[uniform]", "prior={name: spacetime_dit}"], ""),
     (["method={name: motion_prior}"], "evaluate/motion_prior")],
)  # fmt: skip
def test_what_cannot_be_evaluated_is_refused(evaluate, changes, said):
    code, paths, error = evaluate(*changes)
    assert (code, paths) == (2, [])
    assert said in error
