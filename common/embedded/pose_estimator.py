"""The embedded estimator of poses: where a thing that is cut out has its joints.

Heat maps, one for each joint (Tompson et al. 2014, arXiv 1406.2984), whose expectation around the
peak is the place (Sun et al. 2018, arXiv 1711.08229), and the chance that a joint can be seen.
Residual blocks without normalisation at a quarter and an eighth of the picture's sides. It sees
pictures framed one way: `common.control.estimated_maps` does that.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.control.thing_pose import NUM_JOINTS
from common.embedded.blocks import residual_blocks, unfolded
from common.shapes import Images

FOLD = 4
"""Pixels along a side of a cell of the heat maps."""
_RGBA = 4
_REACH = 3.0
"""Cells around the peak that its place is the mean of."""


class PoseArchitecture(Config):
    """Sizes of the estimator."""

    widths: tuple[int, int] = (20, 36)
    """Channels at a quarter and at an eighth of the sides."""
    num_blocks: tuple[int, int] = (1, 3)
    """Residual blocks of each."""
    num_joints: int = Field(NUM_JOINTS, ge=1)
    """Joints that are told."""


class ToldPose(NamedTuple):
    """What is told of framed pictures."""

    heat: Float[Tensor, "b j y x"]
    """Logits of where each joint is, at a quarter of the sides."""
    presence: Float[Tensor, "b j"]
    """Logits of whether it can be seen."""

    def places(self) -> Float[Tensor, "b j 2"]:
        """X and y in pixels: the mean of the cells around the highest, by their shares."""
        height, width = self.heat.shape[2:]
        cells = cell_centres(height, width).to(self.heat)
        shares = rearrange(self.heat, "b j y x -> b j (y x)").softmax(-1)
        peak = cells[shares.argmax(-1)]
        away = ((cells - peak[:, :, None]) ** 2).sum(-1)
        near = shares * (away < (_REACH * FOLD) ** 2)
        return (near @ cells) / near.sum(-1, keepdim=True)


class PoseEstimator(nn.Module):
    """Premultiplied RGBA pictures to heat maps of joints."""

    def __init__(self, architecture: PoseArchitecture):
        super().__init__()
        self.architecture = architecture
        fine, coarse = architecture.widths
        self.stem = nn.Conv2d(_RGBA, fine, 2 * FOLD, stride=FOLD, padding=FOLD // 2)
        self.fine = residual_blocks(fine, architecture.num_blocks[0])
        self.shrink = nn.Conv2d(fine, coarse, 2, stride=2)
        self.coarse = residual_blocks(coarse, architecture.num_blocks[1])
        self.grow = unfolded(2, coarse, fine)
        self.heat = nn.Conv2d(fine, architecture.num_joints, 3, padding=1)
        self.presence = nn.Linear(2 * coarse, architecture.num_joints)

    def forward(self, pictures: Images) -> ToldPose:
        """Pictures in [-1, 1], sides multiples of 8 pixels, to where their joints are."""
        fine = self.fine(self.stem((pictures + 1) / 2))
        coarse = self.coarse(self.shrink(fine))
        heat = self.heat(F.silu(fine + self.grow(coarse)))
        seen = F.silu(coarse)
        pooled = torch.cat([seen.mean((2, 3)), seen.amax((2, 3))], 1)
        return ToldPose(heat.float(), self.presence(pooled).float())


def cell_centres(height: int, width: int) -> Float[Tensor, "n 2"]:
    """X and y in pixels of the cells of heat maps, row after row."""
    rows, columns = ((torch.arange(count) + 0.5) * FOLD for count in (height, width))
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
    return rearrange(grid, "y x p -> (y x) p")
