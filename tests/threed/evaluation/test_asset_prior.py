import json

import pytest

from common.cli.main import main
from common.runs.checkpoints import Checkpoints
from common.runs.interrupts import Interrupted
from run import APPS

PRESET = "evaluate/asset_prior"
FAST = ("method.asset.distil.num_steps=1", "method.asset.texture_px=256", "method.num_truths=2",
        "method.asset.num_fronts=2", "method.asset.num_view_sets=2", "method.num_fronted=1",
        "method.asset.outline_steps=2")  # fmt: skip


def figures_of(paths):
    return json.loads(next(path for path in paths if path.name == "figures.json").read_text())


def test_run_scores_fronts_and_shapes_and_shows_all_sides(evaluate):
    code, paths, said = evaluate(PRESET, *FAST)

    assert code == 0, said
    figures = figures_of(paths)
    for name in ("held_out", "fronted", "emoji"):
        assert 0 <= figures[f"{name}/front_top1"] <= figures[f"{name}/front_top5"] <= 1
        assert figures[f"{name}/billboards"] in (0, 1, 2)
        assert (paths[0].parent / f"{name}.png").is_file()
    assert 0 < figures["held_out/outline_iou"] < 1
    assert 0 < figures["held_out/ellipsoid_iou"] < 1
    assert "emoji/outline_iou" not in figures
    # one more true instance is nearer to the others than what nobody trained can make
    assert figures["held_out/true_outline_iou"] > figures["held_out/outline_iou"]
    assert 0 <= figures["emoji/close_front_top1"] <= figures["emoji/close_front_top5"] <= 1
    assert "held_out/close_front_top1" not in figures
    assert figures.get("held_out/one_front", 0) <= figures.get("held_out/with_a_front", 0)


@pytest.mark.parametrize("where", ["inside", "between"])
def test_run_that_is_stopped_ends_in_the_same_figures(evaluate, monkeypatch, tmp_path, where):
    sets = "method.sets=[held_out]"
    _, paths, _ = evaluate(PRESET, *FAST, sets, "name=whole")
    offer, save = Checkpoints.offer, Checkpoints.save

    def stopping_offer(self, step, state):
        if where == "inside" and step == 4:
            save(self, step, state)
            raise Interrupted
        offer(self, step, state)

    def stopping_save(self, step, state):
        save(self, step, state)
        if where == "between" and step == 1:
            raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "offer", stopping_offer)
        patch.setattr(Checkpoints, "save", stopping_save)
        assert evaluate(PRESET, *FAST, sets, "name=stopped")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert json.loads((folder / "samples" / "figures.json").read_text()) == figures_of(paths)
    assert not (folder / "parts").exists()
