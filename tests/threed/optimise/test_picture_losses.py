import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from threed.optimise.picture_losses import colour_error, opacity_error

F64 = torch.float64
SHARES = st.floats(0.0, 1.0)


def pixel(*values):
    return torch.tensor(values, dtype=F64)


@given(SHARES, st.floats(0.02, 1.0), st.tuples(SHARES, SHARES, SHARES))
def test_the_right_colour_is_right_at_any_opacity(opacity, alpha, colour):
    straight = pixel(*colour)
    wanted = torch.cat([alpha * straight, pixel(alpha)])
    error = colour_error(opacity * straight, pixel(opacity)[0], wanted)
    assert float(error) == pytest.approx(0.0, abs=1e-24)


def test_empty_pixels_ask_for_no_colour_but_for_nothing_there():
    wanted, rgb = torch.zeros(4, dtype=F64), pixel(0.4, 0.1, 0.0)
    assert float(colour_error(rgb, pixel(0.5)[0], wanted)) == 0.0
    assert float(opacity_error(pixel(0.5)[0], wanted)) == 0.25


def test_opaque_pixels_compare_colours():
    wanted = pixel(0.2, 0.4, 0.6, 1.0)
    error = colour_error(pixel(0.3, 0.4, 0.4), pixel(1.0)[0], wanted)
    assert float(error) == pytest.approx(0.01 + 0.04)


def test_no_gradient_asks_for_black_where_pictures_are_empty():
    rgb, opacity = torch.full((3,), 0.5, dtype=F64).requires_grad_(), pixel(0.9)[0]
    colour_error(rgb, opacity, torch.zeros(4, dtype=F64)).backward()
    assert float(rgb.grad.abs().max()) == 0.0
