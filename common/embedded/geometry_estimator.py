"""The embedded estimator of geometry: depth and normals of a thing that is cut out.

A U-Net of residual blocks (Ronneberger et al. 2015, arXiv 1505.04597) without normalisation at a
quarter, an eighth and a sixteenth of the picture's sides, in which one head makes both maps, as in
multi-task nets (Eigen and Fergus 2015, arXiv 1411.4734). It sees pictures framed one way:
`common.control.estimated_maps` does that.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from common.config import Config
from common.control.geometry_maps import FARTHEST
from common.embedded.blocks import residual_blocks, unfolded
from common.shapes import Images

FOLD = 4
"""Pixels along a side of a cell of the finest level."""
REDUCTION = 2
"""Pixels along a side that get one value."""
_RGBA = 4
_UNTOLD = ((FARTHEST + 1) / 2, 0.0, 0.0, 1.0)
"""Nearness and normal before anything is learnt: halfway, towards the viewer."""


class GeometryArchitecture(Config):
    """Sizes of the estimator."""

    widths: tuple[int, ...] = Field((32, 64, 80), min_length=1, max_length=4)
    """Channels of the levels: the first at a quarter of the sides, and so on."""
    num_blocks: tuple[int, ...] = Field((1, 2, 2), min_length=1, max_length=4)
    """Residual blocks of each level; all but the last have as many again on the way up."""

    @model_validator(mode="after")
    def _levels_fit(self) -> "GeometryArchitecture":
        if len(self.widths) != len(self.num_blocks):
            raise ValueError(
                f"widths has {len(self.widths)} levels and num_blocks {len(self.num_blocks)}"
            )
        return self


class Geometry(NamedTuple):
    """What is told at half of the picture's sides; it means something where the thing is."""

    nearness: Float[Tensor, "b y x"]
    """What `depth_map` has: about `FARTHEST` to 1."""
    normals: Float[Tensor, "b 3 y x"]
    """Right, up, towards the viewer; of any length."""


class GeometryEstimator(nn.Module):
    """Premultiplied RGBA pictures to nearness and normals."""

    def __init__(self, architecture: GeometryArchitecture):
        super().__init__()
        self.architecture = architecture
        widths, counts = architecture.widths, architecture.num_blocks
        levels = range(len(widths) - 1)
        self.stem = nn.Conv2d(_RGBA, widths[0], 2 * FOLD, stride=FOLD, padding=FOLD // 2)
        self.down = nn.ModuleList(residual_blocks(widths[k], counts[k]) for k in levels)
        self.shrink = nn.ModuleList(
            nn.Conv2d(widths[k], widths[k + 1], 2, stride=2) for k in levels
        )
        self.middle = residual_blocks(widths[-1], counts[-1])
        self.grow = nn.ModuleList(unfolded(2, widths[k + 1], widths[k]) for k in levels)
        self.up = nn.ModuleList(residual_blocks(widths[k], counts[k]) for k in levels)
        self.head = unfolded(FOLD // REDUCTION, widths[0], len(_UNTOLD), kernel=3)
        bias = torch.tensor(_UNTOLD).repeat_interleave((FOLD // REDUCTION) ** 2)
        self.head[0].bias.data.copy_(bias)  # type: ignore[operator]

    def forward(self, pictures: Images) -> Geometry:
        """Pictures in [-1, 1], sides multiples of 4 pixels times 2 a level, to what they show."""
        features = self.stem((pictures + 1) / 2)
        kept = []
        for blocks, shrink in zip(self.down, self.shrink, strict=True):
            features = blocks(features)
            kept.append(features)
            features = shrink(features)
        features = self.middle(features)
        for k in reversed(range(len(kept))):
            features = self.up[k](kept[k] + self.grow[k](features))
        made = self.head(F.silu(features)).float()
        return Geometry(made[:, 0], made[:, 1:])
