"""A cloud of 3-D Gaussians (Kerbl et al. 2023, arXiv 2308.04079).

What is stored is *raw*; what is seen is

    scale    = exp(log_scales)                            metres, standard deviations
    rotation = quaternions / |quaternions|                w x y z, body to world
    opacity  = sigmoid(opacity_logits)
    colour   = max(0, 1/2 + sum_k sh_k Y_k(direction))    sRGB-encoded

with real spherical harmonics ``Y_k`` in the order and with the signs of INRIA's code: degree by
degree, ``m`` from ``-l`` to ``l``, Condon-Shortley phase. ``direction`` goes from the camera's
centre to the Gaussian's, in the world. World conventions are those of `common.cameras`.
"""

import math
from dataclasses import dataclass, fields

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError

MAX_SH_DEGREE = 4


@dataclass(frozen=True, eq=False)
class GaussianCloud:
    """The parameters of the scene, ``n`` Gaussians."""

    means: Float[Tensor, "n 3"]
    """Centres, metres."""
    log_scales: Float[Tensor, "n 3"]
    """Natural logarithms of the standard deviations along the body's axes, metres."""
    quaternions: Float[Tensor, "n 4"]
    """``w x y z``, of any length above 0."""
    opacity_logits: Float[Tensor, " n"]
    sh: Float[Tensor, "n k 3"]
    """Coefficients of the colour, ``k = (degree + 1)^2``; ``sh[:, 0]`` is the constant's."""

    def __post_init__(self) -> None:
        counts = {field.name: len(getattr(self, field.name)) for field in fields(self)}
        if len(set(counts.values())) > 1:
            raise InputError(f"a cloud needs as many of each: {counts}")
        degree = math.isqrt(self.sh.shape[1]) - 1
        if (degree + 1) ** 2 != self.sh.shape[1] or not 0 <= degree <= MAX_SH_DEGREE:
            raise InputError(
                f"colours have (degree + 1)^2 coefficients, of degree 0 to {MAX_SH_DEGREE}; "
                f"found {self.sh.shape[1]}"
            )

    def __len__(self) -> int:
        return len(self.means)

    @property
    def degree(self) -> int:
        """Of the spherical harmonics; 0 is a colour that is the same from everywhere."""
        return math.isqrt(self.sh.shape[1]) - 1

    @property
    def opacities(self) -> Float[Tensor, " n"]:
        """In (0, 1)."""
        return torch.sigmoid(self.opacity_logits)

    @property
    def scales(self) -> Float[Tensor, "n 3"]:
        """Standard deviations along the body's axes, metres."""
        return self.log_scales.exp()
