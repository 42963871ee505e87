import pytest
import torch

from common.judging.motion_rotation import polar, registered
from common.judging.motion_tracks import body_tracks, looked_at
from tests.common.judging.drawn_clips import BLUE, GREY, RED, box, clip, disk, frame


def registration_of(frames):
    pictures = looked_at(clip(frames))
    body = body_tracks(pictures)
    return registered(pictures, body.centroid, body.size)


def spotted_disk(angle_deg, x=0.0, scale=1.0):
    """A round thing whose silhouette says nothing: a grey disk with a spot at an angle."""
    angle = torch.deg2rad(torch.tensor(angle_deg))
    u, v = 9 * scale * float(angle.cos()), 9 * scale * float(angle.sin())
    return frame((disk(15 * scale, x, 0.0), GREY), (disk(4 * scale, x + u, v), RED))


@pytest.mark.parametrize("step", [22.5, -22.5, 7.0])
def test_turn_of_a_round_thing_is_found_by_its_colours(step):
    found = registration_of([spotted_disk(step * t) for t in range(16)])
    # Angles are sampled every 3 degrees; each step is found to a small share of that.
    torch.testing.assert_close(found.turn_deg, step * torch.arange(16.0), atol=3.0, rtol=0)
    # Sampling spoils little: turned, frames are as alike as a frame and itself.
    assert float(found.turned.min() / found.upright.diagonal().mean()) > 0.95
    assert float(found.turned.diagonal(1).mean() - found.upright.diagonal(1).mean()) > 0.03


def test_turn_does_not_depend_on_moving_and_growing():
    frames = [spotted_disk(15.0 * t, x=-8 + 4.0 * t, scale=0.8 + 0.1 * t) for t in range(5)]
    found = registration_of(frames)
    torch.testing.assert_close(found.turn_deg, 15 * torch.arange(5.0), atol=3.0, rtol=0)


def test_bar_turns_by_the_smaller_of_the_angles_that_fit():
    found = registration_of([frame((box(34, 8, turn_deg=20.0 * t), BLUE)) for t in range(9)])
    torch.testing.assert_close(found.turn_deg, 20 * torch.arange(9.0), atol=1.5, rtol=0)


def test_no_turn_can_be_told_of_a_plain_disk():
    found = registration_of([frame((disk(14.0, 0.3 * t), RED)) for t in range(4)])
    assert float(found.turned.max()) < 0.05


def test_still_has_no_turn_and_is_like_itself():
    found = registration_of([frame((box(30, 10, turn_deg=33.0), RED), (disk(4, 9, 5), BLUE))] * 3)
    assert float(found.turn_deg.abs().max()) < 1e-3
    torch.testing.assert_close(found.upright, found.turned)


def test_rings_begin_on_the_right_and_go_counter_clockwise():
    pictures = looked_at(clip([frame((disk(16.0), GREY), (box(14, 14, 8, 8), BLUE))] * 2))
    rings = polar(pictures, torch.full((2, 2), 0.5), torch.full((2,), 0.4))
    blue = rings[0, 2, 4]  # a ring well inside both
    assert float(blue[8:23].min()) > 0.85  # angles of 24 to 66 degrees, inside the blue corner
    assert float(blue[35:115].max()) < 0.55  # the grey of the other three quarters
