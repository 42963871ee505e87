import pytest
import torch

from common.judging.motion_parts import palette, part_tracks
from common.judging.motion_tracks import body_tracks, looked_at
from tests.common.judging.drawn_clips import BLUE, GREEN, GREY, RED, box, clip, disk, frame


def parts_of(frames):
    pictures = looked_at(clip(frames))
    body = body_tracks(pictures)
    return body, part_tracks(pictures, body.centroid, body.size)


def part(parts, colour):
    """The number of the part nearest to a colour."""
    return int((parts.colours - torch.tensor(colour)).square().sum(1).argmin())


def test_shares_and_places_of_halves_are_theirs_and_change_sides_when_mirrored():
    left_red = frame((box(16, 20, -8, 0), RED), (box(16, 20, 8, 0), BLUE))
    _, parts = parts_of([left_red, left_red.flip(2)])
    red, blue = part(parts, RED), part(parts, BLUE)
    # Pixels at the border between two colours are mixtures and count for both.
    torch.testing.assert_close(parts.shares[:, red], torch.full((2,), 0.5), atol=0.03, rtol=0)
    size = (32 * 20) ** 0.5
    expected = torch.tensor([[-8.0, 0.0], [8.0, 0.0]]) / size * 0.5
    torch.testing.assert_close(parts.places[:, red], expected, atol=0.02, rtol=0)
    torch.testing.assert_close(parts.places[:, blue], -expected, atol=0.02, rtol=0)


def test_mouth_that_opens_later_is_a_part_that_the_first_frame_has_not():
    heights = [0.0, 2.0, 6.0, 10.0, 4.0]
    frames = [frame((disk(18.0), GREEN), (box(14, h, 0, -6), RED)) for h in heights]
    _, parts = parts_of(frames)
    mouth = parts.shares[:, part(parts, RED)]
    expected = torch.tensor([14 * h for h in heights]) / (torch.pi * 18**2)
    torch.testing.assert_close(mouth, expected, atol=0.01, rtol=0)


def test_shares_sum_to_one_and_missing_parts_cover_nothing():
    _, parts = parts_of([frame((disk(10.0, x), RED), (disk(4.0, x), BLUE)) for x in (-5.0, 5.0)])
    torch.testing.assert_close(parts.shares.sum(1), torch.ones(2), atol=1e-4, rtol=0)
    missing = (parts.colours == 0).all(1)
    assert 1 <= int(missing.sum()) <= 4  # red, blue, and mixtures of them at the border
    assert float(parts.shares[:, missing].abs().max()) == 0.0


def palette_of(*colours):
    return palette(torch.tensor(colours).repeat_interleave(50, 0))


@pytest.mark.parametrize("colours", [(RED,), (RED, BLUE), (RED, BLUE, GREEN, GREY)])
def test_palette_of_plain_colours_is_these(colours):
    found = palette_of(*colours)
    assert len(found) == len(colours)
    apart = torch.cdist(found, torch.tensor(colours))
    assert float(apart.amin(1).max()) < 1e-5


def test_near_colours_are_one_part():
    assert len(palette_of((0.5, 0.5, 0.5), (0.55, 0.5, 0.5))) == 1
