"""Spherical harmonics of a turned scene (the Wigner matrices of the real basis).

A colour ``c(d) = sum_k a_k Y_k(d)`` of a scene turned by ``Q`` is ``c'(d) = c(Q^T d)``, and its
coefficients are ``a' = D(Q) a`` with

    D_jk = integral over the sphere of Y_j(Q d) Y_k(d)

which is nonzero only within a degree. The integrand is a polynomial of degree 8 at most, so that a
product of Gauss-Legendre nodes and equal azimuths integrates it exactly, up to float64's rounding.
Mirrors are allowed: the basis functions of degree ``l`` have parity ``(-1)^l``.
"""

import math

import numpy as np
import torch
from einops import einsum, repeat
from jaxtyping import Float
from torch import Tensor

from threed.scenes.gaussian_cloud import MAX_SH_DEGREE
from threed.scenes.spherical_harmonics import sh_basis

_EXACT_DEGREE = 2 * MAX_SH_DEGREE
_ROUNDING = 4e-15
"""Below this an entry is float64's rounding of 0: turns by quarters keep coefficients' bits."""


def sh_rotation(turn: Float[Tensor, "3 3"], degree: int) -> Float[Tensor, "k k"]:
    """The matrix ``D(Q)``, float64, block diagonal with one block for each degree.

    Args:
        turn: orthogonal, old world to new world.
        degree: of the harmonics, 0 to 4.
    """
    directions, weights = _sphere()
    turned = einsum(turn.double(), directions, "i j, n j -> n i")
    there, here = sh_basis(turned, degree), sh_basis(directions, degree)
    matrix = einsum(there, here, weights, "n j, n k, n -> j k")
    degrees = torch.tensor([math.isqrt(k) for k in range((degree + 1) ** 2)])
    kept = (degrees[:, None] == degrees) & (matrix.abs() > _ROUNDING)
    return torch.where(kept, matrix, 0.0)


def rotated_sh(sh: Float[Tensor, "n k 3"], turn: Float[Tensor, "3 3"]) -> Float[Tensor, "n k 3"]:
    """The coefficients of the scene turned by ``turn``, in the dtype of ``sh``."""
    matrix = sh_rotation(turn, math.isqrt(sh.shape[1]) - 1).to(sh)
    return einsum(matrix, sh, "j k, n k c -> n j c")


def _sphere() -> tuple[Float[Tensor, "n 3"], Float[Tensor, " n"]]:
    """Directions and weights that integrate polynomials to degree 8 over the sphere exactly."""
    nodes, shares = np.polynomial.legendre.leggauss(_EXACT_DEGREE // 2 + 1)
    count = _EXACT_DEGREE + 1
    azimuth = torch.arange(count, dtype=torch.float64) * (2 * math.pi / count)
    z = repeat(torch.from_numpy(nodes), "p -> (p a)", a=count)
    weights = repeat(torch.from_numpy(shares) * (2 * math.pi / count), "p -> (p a)", a=count)
    around = repeat(azimuth, "a -> (p a)", p=len(nodes))
    radius = (1 - z * z).sqrt()
    return torch.stack([radius * around.cos(), radius * around.sin(), z], -1), weights
