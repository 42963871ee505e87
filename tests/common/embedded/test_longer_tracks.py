"""Moves carried on beyond the clip that they were told for."""

import math

import pytest
import torch

from common.embedded.longer_tracks import longer_tracks


def track(**values):
    """A track of 16 frames; ``down`` and ``turn`` are given for each frame."""
    found = torch.zeros(1, 16, 5)
    for name, value in values.items():
        found[0, :, {"right": 0, "down": 1, "turn": 4}[name]] = torch.as_tensor(value)
    return found


ALONG = torch.arange(16.0)
HOP = track(down=-(math.pi * ALONG / 15).sin())
SLIDE = track(right=-0.05 * ALONG)
SPIN = track(turn=2 * math.pi * ALONG / 16)


def test_what_comes_back_begins_again():
    found = longer_tracks(HOP, 46, False)[0]
    for frame in range(46):
        torch.testing.assert_close(found[frame], HOP[0, frame % 15], atol=1e-5, rtol=0)


def test_what_does_not_come_back_goes_back_the_way_it_came():
    found = longer_tracks(SLIDE, 61, False)[0, :, 0]
    expected = torch.tensor([-0.05 * (15 - abs(frame % 30 - 15)) for frame in range(61)])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


def test_a_spin_goes_on_at_its_speed():
    found = longer_tracks(SPIN, 50, False)[0, :, 4]
    expected = 2 * math.pi * torch.arange(50.0) / 16
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("told", [HOP, SLIDE, SPIN], ids=["hop", "slide", "spin"])
@pytest.mark.parametrize("num_frames", [12, 24, 33, 64])
def test_in_a_loop_the_last_step_is_like_the_others(told, num_frames):
    found = longer_tracks(told, num_frames, True)[0]
    closed = torch.cat([found, found[:1]])
    steps = torch.diff(closed, dim=0)
    steps[:, 4] = (steps[:, 4] + math.pi) % (2 * math.pi) - math.pi  # angles are angles
    lengths = steps.norm(dim=1)
    # Told steps, at most 1.6 times as fast where few frames hold a round; a spin of 16 frames in 12
    # has steps a third longer.
    told_steps = torch.diff(told[0], dim=0).norm(dim=1)
    assert float(lengths[-1]) <= float(lengths[:-1].max()) * 1.001
    assert float(lengths.max()) <= 2.6 * float(told_steps.max())
    assert torch.equal(found[0], told[0, 0])


def test_each_sample_is_carried_on_by_itself():
    both = longer_tracks(torch.cat([HOP, SLIDE]), 40, True)
    assert torch.equal(both[0], longer_tracks(HOP, 40, True)[0])
    assert torch.equal(both[1], longer_tracks(SLIDE, 40, True)[0])


def test_a_still_thing_stays():
    assert not longer_tracks(track(), 40, True).any()
