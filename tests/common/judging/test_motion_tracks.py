import math

import pytest
import torch

from common.errors import InputError
from common.judging.motion_tracks import body_tracks, looked_at, motion_tracks, unwrapped
from tests.common.judging.drawn_clips import BLUE, GREY, RED, box, clip, disk, figure, frame

PIXEL = 1 / 64


def tracks_of(*frames):
    return body_tracks(looked_at(clip(frames)))


def test_centroid_and_size_of_a_moving_disk_are_its_own():
    places = [(-12.0, 3.0), (-3.3, 7.5), (5.0, 0.25), (14.0, -9.0)]
    body = tracks_of(*(frame((disk(9.0, x, y), RED)) for x, y in places))
    expected = torch.tensor(places) * PIXEL + 0.5
    # A fine grid of an eighth of a pixel, and alpha from 0.1 to 0.9 stretched to all.
    torch.testing.assert_close(body.centroid, expected, atol=0.1 * PIXEL, rtol=0)
    expected_size = math.sqrt(math.pi) * 9.0 * PIXEL
    torch.testing.assert_close(body.size, torch.full((4,), expected_size), rtol=0.01, atol=0)
    assert bool((body.elongation < 0.02).all())


def test_growing_square_has_its_sides_and_stays_on_its_ground():
    sides = torch.tensor([10.0, 16.0, 24.0, 30.0])
    body = tracks_of(*(frame((box(s, s, 0, s / 2 - 16), BLUE)) for s in sides.tolist()))
    torch.testing.assert_close(body.size, sides * PIXEL, rtol=0.01, atol=0)
    # One percent of the opacity is left out at each side of the box.
    torch.testing.assert_close(body.width, 0.98 * sides * PIXEL, rtol=0.01, atol=0)
    torch.testing.assert_close(body.height, 0.98 * sides * PIXEL, rtol=0.01, atol=0)
    ground = (16 + 0.01 * sides) * PIXEL
    torch.testing.assert_close(body.lowest, ground, atol=0.1 * PIXEL, rtol=0)


def test_bar_has_its_angle_and_its_elongation():
    angles = [-80.0, -30.0, 0.0, 30.0, 80.0, 130.0, 180.0, 200.0]
    body = tracks_of(*(frame((box(36, 9, turn_deg=a), RED)) for a in angles))
    torch.testing.assert_close(body.orientation_deg, torch.tensor(angles), atol=0.5, rtol=0)
    torch.testing.assert_close(body.elongation, torch.full((8,), 0.75), atol=0.01, rtol=0)


def test_mirrored_clip_has_mirrored_tracks():
    moving = clip([figure(-8.0 + 4 * t, 2.0 * t, 1 + 0.1 * t) for t in range(4)])
    plain, mirrored = motion_tracks(moving), motion_tracks(moving.flip(3))
    one, other = plain.body, mirrored.body
    torch.testing.assert_close(other.centroid[:, 0], 1 - one.centroid[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(other.centroid[:, 1], one.centroid[:, 1], atol=1e-5, rtol=0)
    for name in ("size", "width", "height", "lowest", "elongation"):
        torch.testing.assert_close(getattr(other, name), getattr(one, name), atol=1e-4, rtol=0)
    torch.testing.assert_close(other.orientation_deg, -one.orientation_deg, atol=0.01, rtol=0)
    torch.testing.assert_close(
        mirrored.registration.turn_deg, -plain.registration.turn_deg, atol=0.1, rtol=0
    )


def test_haze_and_specks_of_faint_alpha_count_as_nothing():
    clean = clip([frame((disk(9.0, 4.0 * t), RED)) for t in range(3)])
    hazy = clean.clone()
    hazy[3] = torch.maximum(hazy[3], torch.full_like(hazy[3], -0.82))  # alpha 0.09 everywhere
    torch.testing.assert_close(
        body_tracks(looked_at(hazy)).centroid, body_tracks(looked_at(clean)).centroid
    )


def test_larger_and_oblong_pictures_are_looked_at_alike():
    small = clip([frame((box(20, 10, 3.0 * t, 4.0), RED)) for t in range(3)])
    large = torch.nn.functional.interpolate(small.transpose(0, 1), scale_factor=2.0).transpose(0, 1)
    body, again = body_tracks(looked_at(small)), body_tracks(looked_at(large))
    torch.testing.assert_close(again.centroid, body.centroid, atol=1e-5, rtol=0)
    torch.testing.assert_close(again.size, body.size, atol=1e-5, rtol=0)
    wide = body_tracks(looked_at(small[:, :, 16:48]))
    torch.testing.assert_close(wide.centroid[:, 0], body.centroid[:, 0], atol=1e-5, rtol=0)
    torch.testing.assert_close(wide.centroid[:, 1] + 0.25, body.centroid[:, 1], atol=1e-5, rtol=0)


def test_empty_frames_take_the_tracks_of_the_nearest_one():
    nothing = torch.full((4, 64, 64), -1.0)
    shown = [frame((disk(8.0, x, 0.0), GREY)) for x in (-10.0, 10.0)]
    body = tracks_of(nothing, shown[0], nothing, nothing, shown[1], nothing)
    assert body.present.tolist() == [False, True, False, False, True, False]
    nearest = body.centroid[[1, 1, 1, 4, 4, 4]]
    assert torch.equal(body.centroid, nearest)
    tracks = motion_tracks(clip([nothing, shown[0], nothing, shown[1]]))
    for values in (tracks.registration.turned, tracks.changes.where, tracks.parts.shares):
        assert bool(values.isfinite().all())


@pytest.mark.parametrize(
    ("shape", "value", "message"),
    [
        ((4, 16, 64, 64), -1.0, "empty"),
        ((4, 1, 64, 64), 1.0, "at least 2 frames"),
        ((4, 16, 8, 64), 1.0, "8 x 64"),
        ((4, 4, 64, 64), float("nan"), "no numbers"),
    ],
)
def test_clips_without_motion_to_track_are_refused(shape, value, message):
    with pytest.raises(InputError, match=message):
        motion_tracks(torch.full(shape, value))


def test_unwrapped_angles_go_on_past_their_period():
    wrapped = torch.tensor([80.0, -85.0, -60.0, 85.0])
    assert unwrapped(wrapped, 180.0).tolist() == [80.0, 95.0, 120.0, 85.0]
