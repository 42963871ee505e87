"""A hash-grid field (Mueller et al. 2022, Instant NGP, arXiv 2201.05989).

Features of several resolutions are read trilinearly from tables, nodes of fine ones by a hash, and
a network with one hidden layer makes raw density and raw colour of them:

    h_l(x) = sum_corners w(x) T_l[hash(corner)],   N_l = N_min b^l,
    (raw density, raw colour) = W_2 relu(W_1 [h_1 .. h_L] + b_1) + b_2

Rays see the field at the nodes of a grid and trilinearly between them (`as_voxels`): what is
rendered is what is meshed, and nothing between nodes can hide from the mesh.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.raster.threads import run_blocks
from threed.scenes.blob import ball_density
from threed.scenes.hash_kernels import HashLevels, read_levels, teach_levels
from threed.scenes.scene_config import HashNerf, MlpNerf
from threed.scenes.voxel_field import VoxelField, node_positions, uniform_field

PARTS = ("tables", "hidden_weight", "hidden_bias", "out_weight", "out_bias")
_TABLE_SPREAD = 1e-4
"""Tables start within this of 0, so that the first field is the ball."""


@dataclass(frozen=True, eq=False)
class HashField:
    """The parameters, by name in `PARTS`."""

    tables: Float[Tensor, "levels entries c"]
    hidden_weight: Float[Tensor, "hidden in"]
    hidden_bias: Float[Tensor, " hidden"]
    out_weight: Float[Tensor, "out hidden"]
    out_bias: Float[Tensor, " out"]


def level_cells(options: HashNerf) -> list[int]:
    """Cells a side of each resolution, growing geometrically."""
    ratio = options.finest_cells / options.coarsest_cells
    last = max(options.num_levels - 1, 1)
    return [math.floor(options.coarsest_cells * ratio ** (index / last) + 1e-9)
            for index in range(options.num_levels)]  # fmt: skip


def new_hash_field(
    options: HashNerf, generator: torch.Generator, num_latents: int = 0
) -> HashField:
    """Tables near 0, the network as PyTorch's layers begin; it says latents if there are any."""
    width, inputs = options.num_hidden, options.num_levels * options.num_features

    def drawn(*shape: int, bound: float) -> Tensor:
        return (2 * torch.rand(shape, generator=generator) - 1) * bound

    shape = (options.num_levels, 2**options.log2_table, options.num_features)
    return HashField(
        drawn(*shape, bound=_TABLE_SPREAD),
        drawn(width, inputs, bound=math.sqrt(6 / inputs)),
        torch.zeros(width),
        drawn(1 + (num_latents or 3), width, bound=1 / math.sqrt(width)),
        torch.zeros(1 + (num_latents or 3)),
    )


def encoded(
    tables: Float[Tensor, "levels entries c"],
    cells: list[int],
    points: Float[Tensor, "n 3"],
) -> Float[Tensor, "n levels c"]:
    """Features of points in the unit cube, differentiable in the tables."""
    found: Tensor = _Encoded.apply(tables, points, cells)
    return found


def ball_base(options: HashNerf | MlpNerf, num_latents: int = 0) -> VoxelField:
    """What the network's answers are added to where no other start is given: the grey ball."""
    grid = uniform_field((options.num_cells + 1,) * 3, num_latents=num_latents)
    return replace(grid, density=ball_density(node_positions(grid), options.start.radius_m))


def as_voxels(field: HashField, options: HashNerf, grid: VoxelField) -> VoxelField:
    """The field at the nodes of ``options.num_cells`` cells a side, differentiable.

    Args:
        field: the tables and the network.
        options: of the field.
        grid: raw values at these nodes, which the network's are added to.
    """
    places = rearrange(node_positions(grid), "x y z xyz -> (x y z) xyz")
    low, high = torch.tensor(grid.low), torch.tensor(grid.high)
    features = encoded(field.tables, level_cells(options), (places - low) / (high - low))
    hidden = functional.linear(
        rearrange(features, "n levels c -> n (levels c)"), field.hidden_weight, field.hidden_bias
    )
    raw = functional.linear(functional.relu(hidden), field.out_weight, field.out_bias)
    side = options.num_cells + 1
    density = rearrange(raw[:, 0], "(x y z) -> x y z", x=side, y=side) + grid.density
    colour = rearrange(raw[:, 1:], "(x y z) c -> x y z c", x=side, y=side) + grid.colour
    return replace(grid, density=density, colour=colour.contiguous())


class _Encoded(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tables: Tensor, points: Tensor, cells: list[int]) -> Tensor:
        ctx.levels = HashLevels(np.asarray(cells, np.int64), tables.shape[1])
        ctx.points, ctx.shape = points.contiguous(), tables.shape
        features = tables.new_empty(len(points), len(cells), tables.shape[2])
        run_blocks(
            read_levels, len(cells), 1, ctx.levels, ctx.points.numpy(),
            tables.detach().contiguous().numpy(), features.numpy(),
        )  # fmt: skip
        return features

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        sums = gradients[0].new_zeros(ctx.shape)
        run_blocks(
            teach_levels, ctx.shape[0], 1, ctx.levels, ctx.points.numpy(),
            gradients[0].contiguous().numpy(), sums.numpy(),
        )  # fmt: skip
        return sums, None, None
