import json

import pytest

from common.cli.main import main
from common.media.images import read_picture
from common.runs.checkpoints import Checkpoints
from common.runs.interrupts import Interrupted
from run import APPS

PRESET = "evaluate/view_prior"


def figures_of(paths):
    return json.loads(next(path for path in paths if path.name == "figures.json").read_text())


def test_run_scores_every_set_fits_scenes_and_shows_views(evaluate):
    code, paths, said = evaluate(PRESET, "method.num_fitted=1")

    assert code == 0, said
    figures = figures_of(paths)
    for name in ("objects", "pairs"):
        for score in ("top1", "top5", "colour"):
            assert 0 <= figures[f"{name}/{score}"] <= 1
        assert read_picture(paths[0].parent / f"{name}.png").ndim == 3


def test_only_as_many_scenes_are_fitted_as_asked(evaluate, monkeypatch):
    fitted = []
    monkeypatch.setattr("threed.evaluation.view_prior._fitted_psnr",
                        lambda asset, rgba, seed: fitted.append(seed) or 21.0)  # fmt: skip

    _, paths, _ = evaluate(PRESET, "method.num_fitted=1", "method.sets=[objects]")
    assert len(fitted) == 1
    assert figures_of(paths)["objects/consistent"] == 1
    assert figures_of(paths)["objects/refitted_db"] == pytest.approx(21.0)

    _, paths, _ = evaluate(PRESET, "method.num_fitted=0", "method.sets=[objects]")
    assert len(fitted) == 1
    assert "objects/refitted_db" not in figures_of(paths)


def test_run_that_is_stopped_ends_in_the_same_figures(evaluate, monkeypatch, tmp_path):
    _, paths, _ = evaluate(PRESET, "name=whole")
    offer = Checkpoints.offer

    def stopping(self, step, state):
        if step == 3:
            self.save(step, state)
            raise Interrupted
        offer(self, step, state)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "offer", stopping)
        assert evaluate(PRESET, "name=stopped")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    assert json.loads((folder / "samples" / "figures.json").read_text()) == figures_of(paths)


def test_prior_without_view_layers_is_refused(evaluate, tmp_path, zoo):
    code, paths, said = evaluate(PRESET, f"prior.models_dir={zoo}")
    assert (code, paths) == (2, [])
    assert "view_layers" in said
