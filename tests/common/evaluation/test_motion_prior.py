import json

import pytest
import torch

from common.cli.main import main
from common.evaluation.clip_scores import ClipLook, scores_of_clips
from common.evaluation.frame_prompts import load_clip_set
from common.judging.motion_classifier import load_motion_measure
from common.zoo.models import load_judge
from run import APPS


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def evaluate(*changes):
        arguments = [
            "evaluate/motion_prior", f"prior.models_dir={zoo}", f"judge_dir={zoo}",
            "method.size_px=64", "max_prompts=3", "batch_size=2", "sampler.num_steps=2", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


def test_run_scores_every_set_and_shows_its_clips(evaluate):
    code, paths, said = evaluate()

    assert code == 0, said
    path = next(p for p in paths if p.name == "figures.json")
    figures = json.loads(path.read_text())
    for name in ("held_out", "held_out_zh", "trained"):
        for score in ("motion", "top1", "colour", "motion_and_top1"):
            assert 0 <= figures[f"{name}/{score}"] <= 1
        assert figures[f"{name}/flicker"] >= 0
        assert len(list(path.parent.glob(f"{name}_??.webp"))) == 3


def test_same_run_gives_the_same_figures(evaluate):
    found = []
    for _ in range(2):
        _, paths, _ = evaluate("method.sets=[trained]")
        found.append(next(p for p in paths if p.name == "figures.json").read_bytes())
    assert found[0] == found[1]


def test_real_clips_that_are_not_prepared_are_refused(evaluate, tmp_path):
    code, _, said = evaluate("method.real_clips=true", f"method.cache_dir={tmp_path}")
    assert code == 2
    assert "prepare/clips" in said


def test_keys_without_effect_are_said(evaluate, tmp_path):
    code, _, said = evaluate("method.sets=[trained]", f"method.cache_dir={tmp_path}")
    assert code == 0
    assert "cache_dir has no effect" in said


def test_scores_count_motions_between_floor_and_ceiling(zoo):
    requests = load_clip_set("trained")
    judge, measure = load_judge(zoo).model, load_motion_measure(zoo)
    features = torch.nn.functional.normalize(torch.ones(judge.architecture.joint_channels), dim=0)
    told = [one.motion for one in requests]
    told[:20] = ["none"] * 20
    looks = [ClipLook(name, features, (0.0, 1.0, 0.0, 0.0)) for name in told]
    figures = {f"ceiling/objects_front/{score}": 0.9 for score in ("top1", "top5", "colour")}

    scores = scores_of_clips(judge, figures, measure, "trained", requests, looks)

    motion = scores["motion"]
    assert (motion.share.num_right, motion.share.num_asked) == (len(requests) - 20, len(requests))
    assert motion.ceiling == 0.97
    # 60 clips are told a motion that 7 of the 79 others were asked for, 20 are told none.
    assert motion.floor == pytest.approx(60 * 7 / (80 * 79))
    both = scores["motion_and_top1"]
    assert both.ceiling == pytest.approx(0.97 * 0.9)
    assert both.share.num_right <= min(motion.share.num_right, scores["top1"].share.num_right)
