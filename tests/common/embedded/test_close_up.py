"""Small things are drawn as large as the picture, and laid back where they are."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from common.control.followed import Followed
from common.embedded.close_up import CloseUp, close_up, enlarged
from common.embedded.controls import EmbeddedControl
from tests.common.embedded.test_controls import untrained

SIDE = 64


def control(pictures: Tensor, weight: float = 1.0) -> EmbeddedControl:
    net, _ = untrained()
    followed = Followed(pictures, torch.full((len(pictures),), weight), (0.0, 1.0))
    return EmbeddedControl(net, "segmentation", followed)


def square(top: int, left: int, side: int) -> Tensor:
    picture = torch.zeros(1, 3, SIDE, SIDE)
    picture[:, :, top : top + side, left : left + side] = 1
    return picture


def box(seen: Tensor) -> Sequence[int]:
    rows, columns = (torch.nonzero(seen.any(axis))[:, 0] for axis in (1, 0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


@settings(deadline=None, max_examples=25)
@given(
    top=st.integers(0, 44), left=st.integers(0, 44), side=st.integers(8, 20), other=st.booleans()
)
def test_what_fills_the_close_up_is_laid_back_over_what_was_followed(
    top: int, left: int, side: int, other: bool
) -> None:
    followed = control(square(top, left, side))
    controls = [followed, control(square(top, left, 4))] if other else [followed]
    part = close_up(controls)
    assert part is not None
    shown = enlarged(controls, part)[0].followed.pictures[0, 0]
    rows = box(shown > 0.5)
    # Four fifths of the picture, in its middle; two roundings to whole pixels.
    assert rows == pytest.approx((6.4, 57.6, 6.4, 57.6), abs=3)
    drawn = shown.expand(1, 4, SIDE, SIDE) * 2 - 1
    back = part.laid_back(drawn)[0, 3]
    assert box(back > 0) == pytest.approx((top, top + side, left, left + side), abs=1)


def test_beyond_the_part_there_is_nothing() -> None:
    part = CloseUp(16.0, 16.0, 16.0)
    back = part.laid_back(torch.ones(2, 4, SIDE, SIDE))
    seen = back[:, 3] > 0
    assert box(seen[0]) == (8, 24, 8, 24)
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(back[:, :, 30:], torch.full_like(back[:, :, 30:], -1))


def test_large_things_nothing_and_what_weighs_nothing_are_drawn_as_they_are() -> None:
    assert close_up([control(square(4, 4, 56))]) is None
    assert close_up([control(torch.zeros(1, 3, SIDE, SIDE))]) is None
    assert close_up([control(square(4, 4, 16), 0.0)]) is None
    assert close_up([]) is None
    # A control that fills the picture is not cut by one that does not.
    assert close_up([control(square(4, 4, 16)), control(torch.ones(1, 3, SIDE, SIDE))]) is None
