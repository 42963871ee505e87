import numpy as np
import pytest
import torch
from scipy.fft import dctn

from common.diffusion.dct import dct, dct_matrix, inverse_dct


@pytest.mark.parametrize("shape", [(2, 5), (2, 6, 7), (2, 3, 4, 5)])
def test_equals_scipy_and_inverts(shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    num_axes = len(shape) - 1
    coefficients = dct(values, num_axes)
    expected = dctn(values.numpy(), axes=range(1, len(shape)), norm="ortho")
    np.testing.assert_allclose(coefficients, expected, atol=1e-13)  # some tens of double ulps
    torch.testing.assert_close(inverse_dct(coefficients, num_axes), values, atol=1e-13, rtol=0)


def test_float32_keeps_seven_digits_at_picture_size():
    values = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    exact = dct(values.double(), 2)
    # Two sums of 64 products each: 1e-6 at coefficients of about 1.
    torch.testing.assert_close(dct(values, 2).double(), exact, atol=2e-6, rtol=0)


def test_serves_gradients_after_being_used_without():
    dct_matrix.cache_clear()
    with torch.inference_mode():
        dct(torch.ones(1, 9), 1)
    values = torch.ones(1, 9, requires_grad=True)
    dct(values, 1).sum().backward()
    assert values.grad is not None
