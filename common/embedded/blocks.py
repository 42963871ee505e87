"""Building blocks of the small convolutional models.

Chosen for two-core machines by measurement: 3x3 convolutions at 32x32 and below run at several
times the rate of those at full resolution, depth-wise ones at a third, and a group normalisation
costs a fifth of its block. So pictures are folded into channels first (``PixelUnshuffle``) and the
blocks are free of normalisation; their last convolution starts at zero instead, so that a deep
stack starts as the identity (Zhang et al. 2019, "Fixup", arXiv 1901.09321).
"""

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """``x + conv(silu(conv(silu(x))))``: two 3x3 convolutions of ``channels``."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(b, channels, h, w)`` to the same shape."""
        return features + self.second(F.silu(self.first(F.silu(features))))


def residual_blocks(channels: int, count: int) -> nn.Sequential:
    """``count`` residual blocks."""
    return nn.Sequential(*(ResidualBlock(channels) for _ in range(count)))


def folded(factor: int, channels_in: int, channels_out: int, kernel: int = 1) -> nn.Sequential:
    """Fold ``factor x factor`` pixels into channels, then mix them."""
    mix = nn.Conv2d(channels_in * factor**2, channels_out, kernel, padding=kernel // 2)
    return nn.Sequential(nn.PixelUnshuffle(factor), mix)


def unfolded(factor: int, channels_in: int, channels_out: int, kernel: int = 1) -> nn.Sequential:
    """Mix channels, then unfold them into ``factor x factor`` pixels."""
    mix = nn.Conv2d(channels_in, channels_out * factor**2, kernel, padding=kernel // 2)
    return nn.Sequential(mix, nn.PixelShuffle(factor))
