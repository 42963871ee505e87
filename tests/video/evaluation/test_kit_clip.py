"""One clip of a committed prompt, and what is right of it."""

import json

import pytest
import torch

from common.cli.main import main
from common.errors import InputError
from common.judging.motion_classifier import load_motion_measure, told_motions
from common.training.kit.clip_truth import true_clip
from run import APPS
from tests.common.evaluation.conftest import zoo  # noqa: F401
from tests.video.spacetime_dit.small_dit import store_dit
from video.evaluation.kit_clip_app import another_request, clip_request


@pytest.fixture
def kit_clip(zoo, tmp_path, monkeypatch, capsys):  # noqa: F811
    """Make and measure one clip: exit code, its figures, messages."""
    monkeypatch.chdir(tmp_path)
    trained = tmp_path / "trained"
    trained.mkdir()
    store_dit(trained, zoo)
    of_dit = f"prior={{name: spacetime_dit, models_dir: '{trained}', bases_dir: '{zoo}'}}"

    def kit_clip(*changes):
        arguments = ["evaluate/kit_clip", of_dit, f"judge_dir={zoo}", "size_px=64",
                     "sampler={name: flow_euler, num_steps: 2}", *changes]  # fmt: skip
        code = main(arguments, APPS)
        paths = capsys.readouterr()
        found = list((tmp_path / "outputs").glob("evaluate_kit_clip/*/samples/figures.json"))
        return code, json.loads(found[0].read_text()) if found else {}, paths.err

    return kit_clip


@pytest.mark.parametrize("shown", ["drawn", "other", "truth"])
def test_clip_is_held_against_its_prompt(kit_clip, shown):
    code, figures, said = kit_clip(f"shown={shown}")

    assert code == 0, said
    for name in ("motion", "object", "object_top5", "colour"):
        assert figures[name] in (0, 1)
    assert figures["motion_and_object"] == figures["motion"] * figures["object"]
    assert figures["object"] <= figures["object_top5"]
    assert figures["flicker"] >= 0


def test_prompt_that_nothing_is_known_of_is_refused(kit_clip):
    code, _, said = kit_clip("prompt=a unicorn slides to the left")
    assert code == 2
    assert "'a unicorn slides to the left' is none of the" in said


@pytest.mark.parametrize(
    ("prompt", "chinese"), [("a yellow bus wobbles", False), ("一辆黄色公共汽车左右摇晃", True)]
)
def test_floor_is_another_prompt_of_the_language(prompt, chinese):
    asked = clip_request(prompt)
    other = another_request(asked)
    assert other.prompt != prompt
    assert other.prompt.isascii() is not chinese
    assert another_request(other).prompt == prompt  # 118 prompts: half a set away, twice
    with pytest.raises(InputError, match="committed prompts of clips"):
        clip_request("a bus")


@pytest.mark.parametrize("motion", ["slide left", "slide right"])
def test_true_clip_moves_as_it_was_asked_and_is_in_the_colour(motion):
    clip = true_clip("car", "red", motion, 16, 64, 0)
    assert torch.equal(clip, true_clip("car", "red", motion, 16, 64, 0))
    assert (clip - true_clip("car", "red", motion, 16, 64, 1)).abs().max() > 0.1
    (told,) = told_motions(load_motion_measure(), clip)
    assert told.name == motion
    red, _, blue, alpha = (clip[0] / 2 + 0.5).flatten(1)
    assert red[alpha > 0.5].mean() > blue[alpha > 0.5].mean() + 0.1
