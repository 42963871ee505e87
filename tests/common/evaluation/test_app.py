import json

import pytest

from common.cli.main import main
from common.media.images import read_picture
from run import APPS


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def evaluate(*changes):
        arguments = [
            "evaluate/image_prior", f"prior.models_dir={zoo}", f"judge_dir={zoo}",
            "method.size_px=64", "max_prompts=6", "batch_size=4", "sampler.num_steps=2", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


def test_run_scores_every_set_and_shows_its_pictures(evaluate):
    code, paths, _ = evaluate()
    assert code == 0
    figures = json.loads(next(p for p in paths if p.name == "figures.json").read_text())
    assert {name.split("/")[0] for name in figures} == {
        "emoji", "emoji_zh", "objects", "objects_zh", "pairs", "accents", "synonyms", "views"
    }  # fmt: skip
    assert {"accents/accent", "views/view", "pairs/top1_and_colour"} <= set(figures)
    assert all(0 <= value <= 1 for value in figures.values())
    folder = next(p for p in paths if p.name == "figures.json").parent
    assert read_picture(folder / "emoji.png").ndim == 3


def test_same_run_gives_the_same_figures(evaluate):
    found = []
    for _ in range(2):
        _, paths, _ = evaluate("method.sets=[objects]")
        found.append(next(p for p in paths if p.name == "figures.json").read_bytes())
    assert found[0] == found[1]


def test_memorisation_without_prepared_renders_is_refused(evaluate, tmp_path):
    code, _, said = evaluate(
        "method.sets=[objects]", "method.memorisation=true", f"method.cache_dir={tmp_path}"
    )
    assert code == 2
    assert "prepare/kit" in said


def test_keys_without_effect_are_said(evaluate, tmp_path):
    code, _, said = evaluate("method.sets=[emoji]", f"method.cache_dir={tmp_path}")
    assert code == 0
    assert "cache_dir has no effect" in said
