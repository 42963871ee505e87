"""The embedded upscaler: premultiplied RGBA pictures at twice their sides.

Bicubic interpolation plus what a small convolutional network adds to it, in the manner of Lim et
al. 2017 (EDSR, arXiv 1707.02921) without normalisation: residual blocks at half of the input's
sides, then sub-pixel convolution (Shi et al. 2016, arXiv 1609.05158). The last convolution starts
at zero, so an untrained upscaler is bicubic interpolation.
"""

import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.blocks import folded, residual_blocks, unfolded
from common.shapes import Images

UPSCALING = 2
CHANNELS = 4
Doubled = Float[Tensor, "b c y x"]
"""Pictures of twice the sides of those given."""
FOLD = 2
"""Pixels along a side that are folded into channels: pictures move through it by as many."""


class UpscalerArchitecture(Config):
    """Sizes of the upscaler."""

    channels: int = Field(64, ge=4, le=512)
    """Features of each cell of 2 x 2 pixels."""
    num_blocks: int = Field(8, ge=1, le=64)
    """Residual blocks."""


class Upscaler(nn.Module):
    """Bicubic interpolation and its correction."""

    def __init__(self, architecture: UpscalerArchitecture):
        super().__init__()
        sizes = architecture
        self.architecture = sizes
        last = unfolded(UPSCALING * FOLD, sizes.channels, CHANNELS, kernel=3)
        for weight in last.parameters():
            nn.init.zeros_(weight)
        self.correction = nn.Sequential(
            folded(FOLD, CHANNELS, sizes.channels, kernel=3),
            residual_blocks(sizes.channels, sizes.num_blocks),
            nn.SiLU(),
            last,
        )

    @property
    def halo_px(self) -> int:
        """How far away an input pixel can be and still matter, in whole folds."""
        return FOLD * (2 + 2 * self.architecture.num_blocks)

    def forward(self, pictures: Images) -> Doubled:
        """Pictures ``b 4 h w`` in [-1, 1], sides even, to ``b 4 2h 2w``, not clamped.

        What lies outside counts as transparent for the correction.
        """
        return doubled(pictures) + self.correction((pictures + 1) / 2)


def doubled(pictures: Images) -> Doubled:
    """Bicubic interpolation to twice the sides (Keys 1981, ``a = -1/2``, as Pillow has it)."""
    return F.interpolate(pictures, scale_factor=UPSCALING, mode="bicubic", antialias=True)
