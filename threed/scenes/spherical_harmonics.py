"""Real spherical harmonics to degree 4, in the order and with the signs of INRIA's code.

Degree by degree, ``m`` from ``-l`` to ``l``, Condon-Shortley phase:

    Y_l,m(d) = N_lm P_lm(z) Re (x + iy)^m       m >= 0
    Y_l,-m(d) = N_lm P_lm(z) Im (x + iy)^m      m > 0
    N_lm = sqrt((2 - [m = 0]) (2l + 1) (l - m)! / (4 pi (l + m)!))

where ``P_lm`` is the associated Legendre function without its ``(1 - z^2)^(m/2)``, which the power
of ``x + iy`` brings, and with its sign ``(-1)^m``.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from threed.scenes.gaussian_cloud import MAX_SH_DEGREE

SH_CONSTANT = 0.5 / math.sqrt(math.pi)
"""``Y_0,0``: 0.2820948, what the first coefficient is multiplied by."""


def sh_basis(directions: Float[Tensor, "n 3"], degree: int) -> Float[Tensor, "n k"]:
    """The basis functions at unit directions, ``k = (degree + 1)^2``."""
    assert 0 <= degree <= MAX_SH_DEGREE
    x, y, z = directions.unbind(-1)
    columns = [torch.empty_like(x)] * (degree + 1) ** 2
    real, imaginary = torch.ones_like(x), torch.zeros_like(x)
    for m in range(degree + 1):
        for band, legendre in enumerate(_legendre(z, m, degree), start=m):
            scale = _norm(band, m) * legendre
            columns[band * band + band + m] = scale * real
            if m:
                columns[band * band + band - m] = scale * imaginary
        real, imaginary = real * x - imaginary * y, real * y + imaginary * x
    return torch.stack(columns, -1)


def _legendre(z: Tensor, m: int, degree: int) -> list[Tensor]:
    """``P_lm(z) / (1 - z^2)^(m/2)`` for ``l`` from ``m`` to ``degree``, by the three-term rule."""
    values = [torch.full_like(z, (-1) ** m * math.prod(range(1, 2 * m, 2)))]
    before = torch.zeros_like(z)
    for band in range(m + 1, degree + 1):
        after = ((2 * band - 1) * z * values[-1] - (band + m - 1) * before) / (band - m)
        before = values[-1]
        values.append(after)
    return values


def _norm(band: int, m: int) -> float:
    ratio = math.factorial(band - m) / math.factorial(band + m)
    return math.sqrt((1 if m == 0 else 2) * (2 * band + 1) * ratio / (4 * math.pi))
