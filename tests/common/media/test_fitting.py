import torch
from hypothesis import given
from hypothesis import strategies as st

from common.media.fitting import Placement, placed, placement

SIDES = st.integers(1, 300)


@given(SIDES, SIDES, SIDES, SIDES)
def test_contained_pictures_are_whole_and_covering_ones_leave_nothing(a, b, c, d):
    inside, over = placement((a, b), (c, d), "contain"), placement((a, b), (c, d), "cover")
    assert inside.top >= 0
    assert inside.left >= 0
    assert inside.top + inside.height <= c
    assert inside.left + inside.width <= d
    assert inside.height == c or inside.width == d
    assert over.top <= 0 <= over.left + over.width - d
    assert over.left <= 0 <= over.top + over.height - c
    # Centred, to half a pixel.
    assert abs(2 * inside.top + inside.height - c) <= 1
    assert abs(2 * over.left + over.width - d) <= 1


def test_a_picture_of_the_right_size_is_not_touched():
    image = torch.rand(3, 10, 12, generator=torch.Generator().manual_seed(0))
    for fit in ("contain", "cover", "stretch"):
        place = placement((10, 12), (10, 12), fit)
        assert torch.equal(placed(image, place, torch.zeros(3, 10, 12)), image)


def test_what_lies_beyond_the_canvas_is_cut_off_and_room_shows_the_canvas():
    image = torch.arange(12.0).view(1, 3, 4)
    cut = placed(image, Placement(3, 4, -1, 1), torch.full((1, 3, 4), -5.0))
    assert cut.tolist() == [[[-5, 4, 5, 6], [-5, 8, 9, 10], [-5, -5, -5, -5]]]


def test_shrinking_averages_and_never_overshoots():
    checks = (torch.arange(64)[:, None] + torch.arange(64)) % 2
    image = checks[None].float()
    small = placed(image, placement((64, 64), (8, 8), "contain"), torch.zeros(1, 8, 8))
    # A low-pass filter leaves the mean of a checkerboard; picking pixels would leave 0s and 1s.
    assert (small - 0.5).abs().max() < 0.1
    edge = torch.zeros(1, 8, 8)
    edge[..., 4:] = 1
    large = placed(edge, placement((8, 8), (64, 64), "contain"), torch.zeros(1, 64, 64))
    assert large.min() >= 0
    assert large.max() <= 1
