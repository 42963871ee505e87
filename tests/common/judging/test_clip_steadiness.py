import math

import pytest
import torch

from common.errors import InputError
from common.judging.clip_steadiness import motion_magnitude, subject_consistency, temporal_flicker
from tests.common.judging.drawn_clips import BLUE, GREY, RED, box, clip, disk, figure, frame


def with_levels(levels):
    return clip([frame((disk(20.0), (level, level, level))) for level in levels])


@pytest.mark.parametrize("amount", [0.02, 0.1, 0.3])
def test_brightness_to_and_fro_has_its_amount_as_flicker(amount):
    levels = [0.5 + amount * (-1) ** t for t in range(9)]
    # Edges of the disk count in part, in both sums.
    assert temporal_flicker(with_levels(levels)) == pytest.approx(amount, rel=0.03)


def test_fading_in_brightness_is_no_flicker():
    assert temporal_flicker(with_levels([0.1 + 0.05 * t for t in range(16)])) < 1e-4


def test_flicker_every_other_time_counts_in_proportion():
    steady = [0.5] * 4 + [0.7] + [0.5] * 4  # one jump of 0.2, seen from three frames of seven
    # At the jump both neighbours are 0.2 away; beside it one neighbour is the same: no flicker.
    assert temporal_flicker(with_levels(steady)) == pytest.approx(0.1 / 7, rel=0.05)


@pytest.mark.parametrize("kind", ["sliding", "growing", "turning", "still"])
def test_motion_flickers_far_less_than_a_slight_shimmer(kind):
    share = [t / 15 for t in range(16)]
    frames = {
        "sliding": [figure(-14 + 28 * s, 4 * s) for s in share],
        "growing": [figure(0, 0, 0.5 + 0.7 * s) for s in share],
        "turning": [frame((box(36, 14, turn_deg=200 * s), RED), (box(8, 8, turn_deg=200 * s), BLUE))
                    for s in share],
        "still": [figure()] * 16,
    }[kind]  # fmt: skip
    plain = clip(frames)
    shimmering = plain.clone()
    shimmering[:3] += 0.06 * torch.tensor([1.0, -1.0] * 8)[:, None, None] * (plain[3:] + 1) / 2
    # A brightness that goes to and fro by 0.03 of 1 is found again on top of the motion.
    assert temporal_flicker(plain) < 0.008
    assert temporal_flicker(shimmering) - temporal_flicker(plain) > 0.02
    if kind == "still":
        assert temporal_flicker(plain) == 0.0


def test_frame_that_is_missing_flickers():
    shown = figure()
    gone = torch.full_like(shown, -1.0)
    assert temporal_flicker(clip([shown, shown, gone, shown, shown])) > 0.05


def test_empty_clip_neither_flickers_nor_moves():
    nothing = torch.full((4, 16, 64, 64), -1.0)
    assert temporal_flicker(nothing) == 0.0
    assert motion_magnitude(nothing) == (0.0, 0.0)


def test_consistency_is_the_mean_cosine_with_the_first_and_the_previous_frame():
    angles = torch.tensor([0.0, 30.0, 90.0])
    vectors = torch.stack([torch.deg2rad(angles).cos(), torch.deg2rad(angles).sin()], 1)

    def features(pictures):
        assert tuple(pictures.shape) == (3, 4, 64, 64)
        return vectors * torch.tensor([[1.0], [2.0], [5.0]])

    found = subject_consistency(clip([figure()] * 3), features)
    cos30, cos60 = math.cos(math.radians(30)), 0.5
    assert found == pytest.approx(((cos30 + cos30) + (0.0 + cos60)) / 4, abs=1e-6)


def test_same_frames_are_wholly_consistent():
    found = subject_consistency(clip([figure()] * 4), lambda pictures: pictures.mean((2, 3)))
    assert found == pytest.approx(1.0, abs=1e-6)


def test_path_of_a_slide_is_its_length_in_sizes():
    frames = [frame((disk(10.0, -15.0 + 2.0 * t, 0), RED)) for t in range(16)]
    magnitude = motion_magnitude(clip(frames))
    assert magnitude.path == pytest.approx(30 / (math.sqrt(math.pi) * 10), rel=0.02)
    # What little changes is resampling at the edge; turning to another colour changes more.
    colours = clip([frame((disk(10.0), RED if t % 2 else BLUE)) for t in range(16)])
    assert magnitude.change < 0.15 * motion_magnitude(colours).change


def test_path_of_growth_is_the_root_mean_square_of_the_points_paths():
    scales = [10.0 * 1.05**t for t in range(16)]
    magnitude = motion_magnitude(clip([frame((disk(radius), GREY)) for radius in scales]))
    # A disk's mean squared radius is r^2 / 2, its size sqrt(pi) r: 0.399 sizes, times log 1.05.
    expected = 15 * math.log(1.05) * math.sqrt(1 / (2 * math.pi))
    assert magnitude.path == pytest.approx(expected, rel=0.03)


def test_path_of_a_turn_counts_its_angle():
    frames = [frame((box(40, 10, turn_deg=12.0 * t), RED)) for t in range(16)]
    radius = math.sqrt((40**2 + 10**2) / 12 / 400)
    expected = radius * math.radians(180)
    magnitude = motion_magnitude(clip(frames))
    # The share of the change that the turn explains is just below 1.
    assert magnitude.path == pytest.approx(expected, rel=0.1)
    # Turned back, only edges are resampled (0.6 in all); as they stand, frames change by 5.6.
    assert magnitude.change < 1.0


def test_still_does_not_move():
    magnitude = motion_magnitude(clip([figure()] * 5))
    assert magnitude.path < 1e-4
    assert magnitude.change == 0.0


def test_too_few_frames_are_refused():
    with pytest.raises(InputError, match="3 frames or more"):
        temporal_flicker(clip([figure()] * 2))
    with pytest.raises(InputError, match="2 frames or more"):
        subject_consistency(clip([figure()]), lambda pictures: pictures.mean((2, 3)))
