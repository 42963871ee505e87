"""The orthonormal cosine basis (DCT-II) over the last axes of a tensor, differentiable.

In it a stationary, smooth random field has independent coefficients: a covariance that is diagonal
here is smooth and far from diagonal in pixels.
"""

import functools
import math

import torch
from jaxtyping import Float
from torch import Tensor


@functools.lru_cache(maxsize=32)
def dct_matrix(size: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, "size size"]:
    """Rows are the basis vectors ``sqrt((2 - [u = 0]) / n) cos(pi (i + 1/2) u / n)``."""
    # It is kept, so it must also serve gradients when it was first needed without.
    with torch.inference_mode(False):
        index = torch.arange(size, dtype=torch.float64)
        matrix = torch.cos(math.pi / size * torch.outer(index, index + 0.5)) * math.sqrt(2 / size)
        matrix[0] /= math.sqrt(2)
        return matrix.to(device, dtype)


def dct(values: Float[Tensor, "..."], num_axes: int) -> Float[Tensor, "..."]:
    """Coefficients over the last ``num_axes`` axes."""
    return _transformed(values, num_axes, inverse=False)


def inverse_dct(coefficients: Float[Tensor, "..."], num_axes: int) -> Float[Tensor, "..."]:
    """The values whose coefficients these are."""
    return _transformed(coefficients, num_axes, inverse=True)


def _transformed(values: Tensor, num_axes: int, inverse: bool) -> Tensor:
    for axis in range(-num_axes, 0):
        matrix = dct_matrix(values.shape[axis], values.dtype, values.device)
        moved = values.movedim(axis, -1)
        values = (moved @ (matrix if inverse else matrix.T)).movedim(-1, axis)
    return values
