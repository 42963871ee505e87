"""Scores of the spacetime DiT's clips."""

import json

import pytest
import torch

from common.cli.main import main
from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import FlowEuler
from common.embedded.drawn_clip import Drawing
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from run import APPS
from tests.common.evaluation.conftest import zoo  # noqa: F401
from tests.video.spacetime_dit.small_dit import store_dit
from video.spacetime_dit.drawn_clip import drawn_dit_clip
from video.spacetime_dit.load import load_spacetime_dit


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    trained = tmp_path / "trained"
    trained.mkdir()
    store_dit(trained, zoo)

    def evaluate(*changes):
        arguments = [
            "evaluate/spacetime_dit", f"prior.models_dir={trained}", f"prior.bases_dir={zoo}",
            f"judge_dir={zoo}", "method.size_px=64", "method.sets=[trained]", "max_prompts=2",
            "sampler.num_steps=2", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


def test_run_scores_clips_and_shows_them(evaluate):
    code, paths, said = evaluate()

    assert code == 0, said
    path = next(p for p in paths if p.name == "figures.json")
    figures = json.loads(path.read_text())
    for score in ("motion", "top1", "colour", "motion_and_top1"):
        assert 0 <= figures[f"trained/{score}"] <= 1
    assert len(list(path.parent.glob("trained_??.webp"))) == 2


def test_missing_model_is_refused(evaluate, tmp_path):
    code, _, said = evaluate(f"prior.models_dir={tmp_path}")
    assert code == 2
    assert "train/spacetime_dit" in said


def test_clip_follows_from_its_prompt_and_place(zoo, tmp_path):  # noqa: F811
    store_dit(tmp_path, zoo)
    config = SpacetimeDiTPriorConfig(models_dir=tmp_path, bases_dir=zoo)
    prior = load_spacetime_dit(config, (2, 64, 64), "cpu")
    drawing = Drawing(FlowEuler(num_steps=2), CFG(guidance_scale=3.0), seed=0)
    clip = drawn_dit_clip(prior, "a mug", drawing, 0)
    assert torch.equal(clip, drawn_dit_clip(prior, "a mug", drawing, 0))
    for prompt, place in (("a cat", 0), ("a mug", 1)):
        assert (clip - drawn_dit_clip(prior, prompt, drawing, place)).abs().max() > 1e-3
