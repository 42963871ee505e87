import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.raster.color import linear_to_srgb, srgb_to_linear

F64 = torch.float64


@given(st.floats(-1, 2))
def test_encoding_and_decoding_are_inverse(value):
    x = torch.tensor([value], dtype=F64)
    torch.testing.assert_close(linear_to_srgb(srgb_to_linear(x)), x, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("encoded", "linear"),
    [(0, 0), (1, 1), (0.5, 0.21404114), (0.04045, 0.0031308), (0.02, 0.02 / 12.92)],
)  # fmt: skip
def test_known_values_of_the_standard(encoded, linear):
    assert float(srgb_to_linear(torch.tensor(encoded, dtype=F64))) == pytest.approx(
        linear, abs=1e-7
    )


def test_gradients_are_finite_at_zero():
    x = torch.zeros(1, dtype=F64, requires_grad=True)
    (linear_to_srgb(x) + srgb_to_linear(x)).sum().backward()
    assert float(x.grad) == pytest.approx(12.92 + 1 / 12.92)
