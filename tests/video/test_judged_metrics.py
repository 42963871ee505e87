"""What the judge says of clips with known answers: the shipped judge, on true clips of the kit."""

import numpy as np
import pytest
import torch

from common.diffusion.frame_curves import PromptTravel
from common.errors import InputError
from common.judging.clip_steadiness import subject_consistency
from common.judging.judging import look
from common.media.pixels import composite, from_frames, to_frames
from common.training.kit.clip_truth import true_clip
from video.judged_metrics import (
    background_consistency,
    frame_features,
    judged_metrics,
    load_clip_judge,
    text_alignment,
)

SIDE = 64


@pytest.fixture(scope="module")
def judge():
    return load_clip_judge()


@pytest.fixture(scope="module")
def things():
    """Straight RGBA clips of eight frames: a red car and a yellow duck."""
    asked = {"car": "red", "duck": "yellow"}
    return {
        name: to_frames(true_clip(name, colour, "wobble", 8, SIDE, 0)[0])
        for name, colour in asked.items()
    }


def only(prompt, num_frames=8):
    return PromptTravel((prompt,), torch.ones(num_frames, 1))


def ground(seed):
    """An opaque textured picture."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    return coarse.repeat(SIDE // 8, 0).repeat(SIDE // 8, 1)


def before(frames, grounds):
    """Things in the middle half of opaque pictures, one of each frame."""
    small = frames[:, ::2, ::2].astype(float)
    alpha = small[..., 3:] / 255
    laid = np.stack(grounds).astype(float)
    inside = laid[:, 16:48, 16:48]
    laid[:, 16:48, 16:48] = alpha * small[..., :3] + (1 - alpha) * inside
    return laid.round().astype(np.uint8)


def test_still_is_wholly_consistent(judge, things):
    still = things["car"][[0] * 5]
    names = ["judge_subject_consistency"]
    assert judged_metrics(names, judge, still, None)[names[0]] == pytest.approx(1, abs=1e-6)
    opaque = before(still, [ground(0)] * 5)
    assert background_consistency(judge, opaque) == pytest.approx(1, abs=1e-6)


def test_subject_is_what_evaluations_call_consistency(judge, things):
    found = judged_metrics(["judge_subject_consistency"], judge, things["duck"], None)
    expected = subject_consistency(
        from_frames(things["duck"]), lambda some: look(judge.judge, some).features
    )
    assert found["judge_subject_consistency"] == pytest.approx(expected, abs=1e-6)


def test_subject_swapped_half_way_is_no_longer_the_same(judge, things):
    swapped = np.concatenate([things["car"][:4], things["duck"][4:]])
    kept, changed = (
        judged_metrics(["judge_subject_consistency"], judge, one, None)["judge_subject_consistency"]
        for one in (things["car"], swapped)
    )
    assert kept > 0.85
    assert changed < kept - 0.2


def test_background_is_of_the_ground_alone(judge, things):
    same, other = [ground(0)] * 8, [ground(0)] * 4 + [ground(1)] * 4
    swapped = np.concatenate([things["car"][:4], things["duck"][4:]])
    assert background_consistency(judge, before(things["car"], same)) == pytest.approx(1, abs=1e-6)
    assert background_consistency(judge, before(swapped, same)) == pytest.approx(1, abs=1e-6)
    assert background_consistency(judge, before(things["car"], other)) < 0.97
    night = [np.full((SIDE, SIDE, 3), level, np.uint8) for level in [220] * 4 + [40] * 4]
    assert background_consistency(judge, before(things["car"], night)) < 0.9


def test_ground_that_moves_by_is_not_another_ground(judge):
    wide = np.concatenate([ground(0), ground(2)], 1)
    passing = np.stack([wide[:, 2 * n : 2 * n + SIDE] for n in range(8)])
    assert 0.9 < background_consistency(judge, passing) < 1


def test_transparent_clip_has_no_background(judge, things):
    with pytest.raises(InputError, match="seen through"):
        background_consistency(judge, things["car"])


def test_right_prompt_aligns_more_than_another_in_both_languages(judge, things):
    prompts = {
        "car": ("a red car wobbles", "一辆红色的汽车"),
        "duck": ("a yellow duck", "黄色的鸭子"),
    }
    for name, frames in things.items():
        other = next(one for one in things if one != name)
        for right, wrong in zip(prompts[name], prompts[other], strict=True):
            found = [text_alignment(judge, frames, only(said)) for said in (right, wrong)]
            assert found[0] > found[1] + 0.2, (right, wrong)


def test_prompts_on_the_way_count_by_their_shares(judge, things):
    changed = np.concatenate([things["car"][:4], things["duck"][4:]])
    prompts = ("a red car", "a yellow duck")
    shares = torch.zeros(8, 2)
    shares[:4, 0] = shares[4:, 1] = 1
    told = text_alignment(judge, changed, PromptTravel(prompts, shares))
    assert told > text_alignment(judge, changed, only(prompts[0])) + 0.2
    # Half and half is the mean of both, frame by frame.
    mixed = text_alignment(judge, changed, PromptTravel(prompts, torch.full((8, 2), 0.5)))
    alone = [text_alignment(judge, changed, only(prompt)) for prompt in prompts]
    assert mixed == pytest.approx(np.mean(alone), abs=1e-6)


def test_frames_that_are_not_square_are_padded_not_squeezed(judge, things):
    wide = np.zeros((8, SIDE, 2 * SIDE, 4), np.uint8)
    wide[:, :, SIDE // 2 : 3 * SIDE // 2] = things["car"]
    padded = np.zeros((8, 2 * SIDE, 2 * SIDE, 4), np.uint8)
    padded[:, SIDE // 2 : 3 * SIDE // 2] = wide
    assert torch.equal(frame_features(judge, wide), frame_features(judge, padded))


def test_opaque_frames_are_seen_alike_with_and_without_alpha(judge, things):
    rgb = composite(things["car"], "#ffffff")
    rgba = np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], -1)
    # Colours times an alpha of 1 are rounded once more.
    torch.testing.assert_close(
        frame_features(judge, rgb), frame_features(judge, rgba), atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(("name", "frames", "told", "message"), [
    ("judge_subject_consistency", 1, None, "2 frames or more; the clip has 1"),
    ("judge_text_alignment", 3, None, "prompt is not known"),
    ("judge_text_alignment", 3, only("a car", 5), "3 frames, and prompts of 5"),
])  # fmt: skip
def test_what_has_no_figure_is_refused(judge, name, frames, told, message):
    with pytest.raises(InputError, match=message):
        judged_metrics([name], judge, np.zeros((frames, 16, 16, 3), np.uint8), told)
