"""What painted views, and a kept texture, show at points of a surface."""

import torch
from jaxtyping import Float
from torch import Tensor

from common.raster.mesh import TriangleMesh
from threed.texturing.bake import Pictures
from threed.texturing.view_colours import ViewWeights, view_colours

_POINTS = 2**20
"""Looked up together: it bounds memory."""


def shown_colours(
    mesh: TriangleMesh,
    positions: Float[Tensor, "n 3"],
    normals: Float[Tensor, "n 3"],
    painted: Pictures,
    weights: ViewWeights,
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, " n"]]:
    """The weighted mean of what the views show at each point, and the sum of their weights.

    Colours are 0 where the sum is.
    """
    total, share = torch.zeros_like(positions), positions.new_zeros(len(positions))
    for begin in range(0, len(positions), _POINTS):
        rows = slice(begin, begin + _POINTS)
        for view in range(len(painted.cameras)):
            (shown,), (weight,) = view_colours(
                mesh, positions[rows], normals[rows], painted.rgba[view : view + 1],
                painted.cameras[view], weights,
            )  # fmt: skip
            total[rows] += weight[:, None] * shown.clamp(0, 1)
            share[rows] += weight
    return total / share.clamp_min(1e-9)[:, None], share
