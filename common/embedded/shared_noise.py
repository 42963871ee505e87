"""Noise that the frames of a clip have partly in common."""

import math
from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from common.shapes import Clips


def one_more(shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of what `mixed_noise` is made from, for clips ``(..., c, f, h, w)``."""
    *before, frames, height, width = shape
    return (*before, frames + 1, height, width)


def mixed_noise(drawn: Float[Tensor, "b c g h w"], share: float) -> Clips:
    """Noise of one frame fewer than is drawn, whose frames have the last one in common.

    ``sqrt(share) n_last + sqrt(1 - share) n_f``: standard normal, with covariance ``share`` between
    frames (Ge et al. 2023, arXiv 2305.10474, equation 4).
    """
    own, shared = drawn[:, :, :-1], drawn[:, :, -1:]
    return math.sqrt(share) * shared + math.sqrt(1 - share) * own
