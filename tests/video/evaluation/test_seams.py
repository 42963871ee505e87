"""Where parts of long clips meet, and steps there."""

import pytest
import torch

from common.diffusion.frame_windows import FrameWindows
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.embedded.prior import embedded_schedule
from common.errors import InputError
from video.evaluation.seams import segment_borders, steps_at, window_borders
from video.long_video import LongVideo


def test_segments_meet_before_each_later_one():
    assert segment_borders(LongVideo(num_frames=40, segment_frames=16), "a duck") == (16, 31)


def test_straight_windows_meet_where_each_begins_and_ends():
    # Of frames 1 to 33, windows 1-15, 11-25 and, moved back, 19-33.
    windows = FrameWindows(34, 15, 5, "straight", first=1)
    found = window_borders(windows, DDIM(num_steps=4), embedded_schedule(), "v")
    assert found == (11, 16, 19, 26)


def test_shifted_windows_meet_as_they_lie_in_the_last_evaluation():
    windows, sampler = FrameWindows(34, 15, 5, first=1), DDIM(num_steps=4)
    found = window_borders(windows, sampler, embedded_schedule(), "v")
    last = float(build_scheduler(sampler, embedded_schedule(), "v").timesteps[-1])
    begins = {int(window[0]) for window in windows.at(last)}
    assert set(found) == (begins | {begin + 15 for begin in begins}) - {1, 34}


@pytest.mark.parametrize("jump", [1.0, 3.0])
def test_steps_across_are_held_against_those_beside_and_inside(jump):
    steps = torch.full((20,), 0.1)
    steps[9] = 0.1 * jump
    assert steps_at(steps, (10,)) == pytest.approx((0.1 * jump, 0.1, 0.1))


def test_what_moves_faster_there_has_no_seam_beside():
    """A border between steps of 3 in a clip of steps of 1 is like those beside it."""
    steps = torch.tensor([1.0] * 10 + [3.0] * 7 + [1.0] * 10)
    assert steps_at(steps, (14,)) == pytest.approx((3.0, 3.0, (20 + 18) / 26))
    assert steps_at(torch.tensor([1.0, 2.0, 4.0]), (1,)) == pytest.approx((1.0, 3.0, 3.0))


def test_borders_side_by_side_are_not_beside_each_other():
    steps = torch.tensor([1.0, 1.0, 9.0, 9.0, 1.0, 1.0])
    assert steps_at(steps, (3, 4)) == pytest.approx((9.0, 1.0, 1.0))


def test_a_clip_without_borders_is_refused():
    with pytest.raises(InputError, match="no border"):
        steps_at(torch.tensor([1.0, 1.0]), ())
