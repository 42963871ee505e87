"""Which figures a run may ask for, and what the judge is told of its clips."""

from pathlib import Path

import pytest
import torch

from common.adapters.image_prompt_config import ImagePromptConfig
from common.adapters.word_config import WordConfig
from common.diffusion.gaussian_config import GaussianPriorConfig
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.pretrained.config import PretrainedPriorConfig
from video.config import VideoConfig, VideoExport
from video.figures import check_figures, load_figures, num_shown, told_prompts
from video.given_frames import GivenFrames
from video.long_video import LongVideo
from video.text_to_video import TextToVideo
from video.timeline.config import Timeline
from video.timeline.curve import PromptCurve
from video.windows_config import WindowsConfig

CHECKPOINT = PretrainedPriorConfig(path="models/sd15")
TEXT = ("judge_text_alignment",)


def config(metrics=TEXT, **changes):
    values = {"name": "test", "prompt": "a red car", "prior": EmbeddedPriorConfig()} | changes
    return VideoConfig(metrics=metrics, **values)


def travelling(**changes):
    """Five frames, red at first, blue from the last one on."""
    prompts = PromptCurve(keys={4: "a blue car"})
    return TextToVideo(num_frames=5, timeline=Timeline(prompts=prompts), **changes)


def given(alpha):
    frames = torch.ones(4, 2, 8, 8)
    frames[3, 1, 0] = alpha
    return GivenFrames(frames, None)


def test_one_prompt_counts_in_all_frames():
    told = told_prompts(config(method=TextToVideo(num_frames=3)))
    assert told.prompts == ("a red car",)
    assert torch.equal(told.shares, torch.ones(3, 1))


def test_brackets_of_emphasis_are_not_read_to_the_judge():
    prompt = r"a (red:1.3) car [in fog] \(new\)"
    assert told_prompts(config(prompt=prompt, prior=CHECKPOINT)).prompts == (
        "a red car in fog (new)",
    )
    assert told_prompts(config(prompt=prompt)).prompts == (prompt,)


def test_frames_between_drawn_ones_are_of_both_and_held_at_the_end():
    export = VideoExport(fps=8.0, target_fps=16.0)
    told = told_prompts(config(method=travelling(), export=export))
    expected = torch.tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 8]) / 8
    torch.testing.assert_close(told.shares[:, 1], expected)
    assert num_shown(config(method=travelling(), export=export)) == len(told.shares) == 10


def test_last_frames_of_a_loop_go_back_to_the_first_prompt():
    windows = WindowsConfig(frames=4, overlap=2, schedule="looped")
    export = VideoExport(fps=8.0, target_fps=16.0)
    told = told_prompts(config(method=travelling(windows=windows), export=export))
    torch.testing.assert_close(told.shares[-1], torch.tensor([0.5, 0.5]))


def test_prompts_of_segments_change_at_once():
    curve = PromptCurve(keys={6: "a blue car"}, interpolation="hold")
    method = LongVideo(num_frames=8, segment_frames=4, timeline=Timeline(prompts=curve))
    told = told_prompts(config(method=method))
    said = [told.prompts[int(row.argmax())] for row in told.shares]
    drawn = [one.prompt for one in method.segments("a red car") for _ in range(one.num_new)]
    assert said == drawn
    assert bool(((told.shares == 0) | (told.shares == 1)).all())


def test_judge_is_loaded_only_where_it_is_asked():
    assert load_figures(config(metrics=("seam",)), "cpu").judge is None
    assert load_figures(config(metrics=()), "cpu").judge is None
    assert load_figures(config(), "cpu").judge is not None


def test_background_of_checkpoints_and_of_opaque_pictures_is_measured():
    names = ("judge_background_consistency",)
    assert check_figures(config(names), given(1.0)) == []
    (note,) = check_figures(config(names, prior=CHECKPOINT), None)
    assert "of clips of the pretrained prior it says little" in note


@pytest.mark.parametrize(("changes", "pictures", "message"), [
    ({"metrics": ("judge_background_consistency",)}, None, "embedded prior draws things on noth"),
    ({"metrics": ("judge_background_consistency",)}, given(0.9), "is given things on nothing"),
    ({"metrics": ("judge_background_consistency",), "prior": GaussianPriorConfig()}, None,
     "gaussian prior draws things on nothing"),
    ({"metrics": ("seam",), "method": TextToVideo(num_frames=2)}, None, "seam is of 3 frames"),
    ({"metrics": ("smoothness",), "method": TextToVideo(num_frames=4),
      "export": VideoExport(fps=8.0, target_fps=4.0)}, None, "and the clip has 2"),
    ({"prior": EmbeddedPriorConfig(embeddings=(WordConfig(path=Path("mug.safetensors")),))}, None,
     "has not learnt the words of prior.embeddings"),
    ({"prior": EmbeddedPriorConfig(image_prompt=ImagePromptConfig(pictures=(Path("mug.png"),))),
      "prompt": ""}, None, "prompt is empty"),
])  # fmt: skip
def test_figures_without_a_meaning_are_refused(changes, pictures, message):
    with pytest.raises(InputError, match=message):
        check_figures(config(**changes), pictures)


def test_prompt_that_is_not_read_to_its_end_is_told():
    (note,) = check_figures(config(prompt="a red car " * 40), None)
    assert "the judge reads the first 64 tokens, not the last 57" in note
