"""FreeInit: the low frequencies of one noise with the high ones of another.

``F^-1(H F(z) + (1 - H) F(eta))`` over frames, rows and columns, where ``z`` is the last clip under
the noise it began with and ``eta`` is fresh (Wu et al. 2023, arXiv 2312.07537, Eq. 5 and 6).
"""

from typing import assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from common.shapes import Clips
from video.windows_config import FreeInit

_AXES = (-3, -2, -1)


def low_pass(free_init: FreeInit, shape: tuple[int, int, int]) -> Float[Tensor, "f h w"]:
    """The share ``H`` of each frequency that is kept, zero frequency first, in [0, 1].

    Distances are ``d^2 = (d_s / d_t)^2 f_t^2 + f_h^2 + f_w^2`` of frequencies in [-1, 1], shares of
    the highest; then butterworth is ``1 / (1 + (d / d_s)^(2 n))``, gaussian ``exp(-d^2 / (2
    d_s^2))`` and ideal 1 up to ``d^2 = 2 d_s``, as released with the paper. With an odd number of
    frames or cells the released filter is off centre by half a frequency; this one is not.
    """
    spatial, temporal = free_init.spatial_stop, free_init.temporal_stop
    if spatial == 0 or temporal == 0:
        return torch.zeros(shape)
    along = [2 * torch.fft.fftfreq(count, dtype=torch.float64) for count in shape]
    frames, rows, columns = torch.meshgrid(*along, indexing="ij")
    squares = (spatial / temporal * frames) ** 2 + rows**2 + columns**2
    match free_init.filter:
        case "butterworth":
            kept = 1 / (1 + (squares / spatial**2) ** free_init.order)
        case "gaussian":
            kept = torch.exp(-squares / (2 * spatial**2))
        case "ideal":
            kept = (squares <= 2 * spatial).double()
        case _:
            assert_never(free_init.filter)
    return kept.float()


def mixed_frequencies(low: Clips, high: Clips, kept: Float[Tensor, "f h w"]) -> Clips:
    """Low frequencies of one clip's noise with the high ones of another."""
    share = kept.to(low)
    parts = share * torch.fft.fftn(low, dim=_AXES) + (1 - share) * torch.fft.fftn(high, dim=_AXES)
    return torch.fft.ifftn(parts, dim=_AXES).real
