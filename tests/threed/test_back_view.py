"""A back that covers what the front shows."""

import pytest
import torch

from threed.back_view import with_mirrored_outline


def box(rows, columns, colour, alpha=1.0):
    picture = torch.zeros(8, 10, 4)
    picture[rows, columns] = torch.tensor([*(alpha * value for value in colour), alpha])
    return picture


def test_what_the_back_leaves_out_is_the_mirrored_front():
    front = box(slice(2, 6), slice(0, 4), (1.0, 0.0, 0.0))
    back = box(slice(2, 4), slice(6, 10), (0.0, 0.0, 1.0))

    found = with_mirrored_outline(back, front)

    assert torch.equal(found[2:4, 6:], back[2:4, 6:])
    torch.testing.assert_close(found[4:6, 6:], torch.tensor([1.0, 0, 0, 1]).expand(2, 4, 4))
    assert found[:, :6].abs().max() == 0


def test_back_that_covers_the_front_stays():
    front = box(slice(2, 6), slice(0, 4), (1.0, 0.0, 0.0))
    back = box(slice(1, 7), slice(5, 10), (0.0, 0.0, 1.0))
    assert torch.equal(with_mirrored_outline(back, front), back)


@pytest.mark.parametrize("alpha", [0.3, 0.7])
def test_opacity_is_the_larger_one_and_colours_stay_premultiplied(alpha):
    front = box(slice(0, 8), slice(0, 10), (0.2, 0.9, 1.0), alpha)
    back = box(slice(0, 8), slice(0, 10), (1.0, 0.5, 0.0), 0.5)
    found = with_mirrored_outline(back, front)
    torch.testing.assert_close(found[..., 3], torch.full((8, 10), max(alpha, 0.5)))
    assert bool((found[..., :3] <= found[..., 3:] + 1e-6).all())
