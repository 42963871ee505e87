"""What a timeline tells frames, and plain values in the place of constant curves."""

import numpy as np
import pytest
import torch

from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from video.config import VideoConfig
from video.long_video import LongVideo
from video.text_to_video import TextToVideo
from video.timeline.check import check_timeline
from video.timeline.config import Timeline
from video.timeline.curve import Curve, PromptCurve
from video.timeline.resolved import frame_curves, prompt_travel, settled
from video.trajectory_keys import TrajectoryKey, track_of, track_with


def config_of(method=TextToVideo, **keys):
    told = method(num_frames=8, timeline=Timeline(**keys))
    return VideoConfig(name="clip", prompt="a duck", method=told, prior=EmbeddedPriorConfig())


def test_constant_guidance_is_the_plain_value():
    found = settled(config_of(guidance_scale=Curve(keys={0: 7.3, 5: 7.3})), None)
    assert found.guidance.guidance_scale == 7.3
    assert frame_curves(found, None).guidance is None


def test_changing_guidance_stays_a_curve():
    found = settled(config_of(guidance_scale=Curve(keys={0: 1.0, 7: 8.0})), None)
    curves = frame_curves(found, None)
    torch.testing.assert_close(curves.guidance, torch.arange(1, 9).double())
    part = curves.of_frames(torch.tensor([3, 4]))
    assert part.guidance is not None
    assert part.guidance.tolist() == [4, 5]


def test_travel_is_exact_at_keys_and_mixes_between():
    curve = PromptCurve(keys={4: "a cat", 6: "a dog"})
    travel = prompt_travel(curve, "a duck", 8)
    assert travel is not None
    assert travel.prompts == ("a duck", "a cat", "a dog")
    rows = torch.randn(3, 5, 7, generator=torch.Generator().manual_seed(0))
    mixed = travel.mixed(rows)
    for frame, row in ((0, 0), (4, 1), (6, 2), (7, 2)):
        assert torch.equal(mixed[frame], rows[row])
    torch.testing.assert_close(mixed[1], 0.75 * rows[0] + 0.25 * rows[1])
    masks = torch.tensor([[True, False], [True, True], [True, False]])
    assert travel.of_any(masks)[:, 1].tolist() == [
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        False,
    ]


def test_travel_to_the_same_prompt_is_none():
    assert prompt_travel(PromptCurve(keys={0: "a duck", 4: "a duck"}), "a duck", 8) is None


def test_prompts_that_change_at_once_cut_segments_in_place_of_travelling():
    curve = PromptCurve(keys={4: "a cat"}, interpolation="hold")
    assert frame_curves(config_of(LongVideo, prompts=curve), None).travel is None
    assert frame_curves(config_of(TextToVideo, prompts=curve), None).travel is not None


def test_moves_lie_over_the_keys_of_the_trajectory():
    keys = (TrajectoryKey(frame=4, right=0.2, size=2.0),)
    over = {"down": np.linspace(0.5, -0.2, 8), "size": np.full(8, 3.0), "turn_deg": np.arange(8.0)}
    found, plain = track_with(keys, over, 8)[0], track_of(keys, 8)[0]
    assert torch.equal(found[:, [0, 2, 3]], plain[:, [0, 2, 3]])
    torch.testing.assert_close(found[:, 1], torch.linspace(0, -0.7, 8))
    torch.testing.assert_close(found[-1, 4], torch.tensor(np.radians(7.0)).float())


@pytest.mark.parametrize(("keys", "message"), [
    ({"down": Curve(track="onset")}, "down follows the track onset, and this method has no sound"),
    ({"lora_scales": (Curve(keys={0: 1.0}),)}, "lora_scales has 1 curves and prior.loras 0"),
    ({"prompts": PromptCurve(keys={0: "a cat"})}, "frame 0 is 'a cat' and prompt is 'a duck'"),
])  # fmt: skip
def test_curves_of_nothing_are_refused(keys, message):
    with pytest.raises(InputError, match=message):
        check_timeline(config_of(**keys), None)


def test_closed_form_prior_has_guidance_alone():
    config = config_of(motion_scale=Curve(keys={0: 0.5}))
    plain = VideoConfig(name="clip", prompt="a red ball", method=config.method)
    with pytest.raises(InputError, match=r"timeline.motion_scale is for .* gaussian"):
        check_timeline(plain, None)
