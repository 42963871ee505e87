"""A plain network as a field (Mildenhall et al. 2020, NeRF, arXiv 2003.08934, section 5.1).

Sines and cosines of a place, in the unit of the box's half side, go through fully connected layers:

    g(x) = (x, sin(pi x), cos(pi x), sin(2 pi x), cos(2 pi x), ..., cos(2^(L-1) pi x)),
    (raw density, raw colour) = W_n relu(... relu(W_1 g(x) + b_1) ...) + b_n

Nothing is stored by place, so what it makes is smooth, and it learns slowly. As with the hash grid,
rays see it at the nodes of a grid and trilinearly between them.
"""

import math
from dataclasses import replace
from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from threed.scenes.scene_config import MlpNerf
from threed.scenes.voxel_field import VoxelField, node_positions

_LAST_SPREAD = 1e-2
"""The last layer's weights start within this share of the usual, so that the first field is near
the ball."""


def waves(points: Float[Tensor, "n 3"], num_frequencies: int) -> Float[Tensor, "n c"]:
    """``g`` of points in [-1, 1]: themselves, then each frequency's sines and cosines."""
    octaves = math.pi * 2.0 ** torch.arange(num_frequencies, dtype=points.dtype)
    angles = rearrange(points, "n xyz -> n 1 xyz") * rearrange(octaves, "l -> l 1")
    both = torch.stack([angles.sin(), angles.cos()], 2)
    return torch.cat([points, rearrange(both, "n l two xyz -> n (l two xyz)")], 1)


def new_mlp_parts(
    options: MlpNerf, generator: torch.Generator, num_latents: int = 0
) -> dict[str, Tensor]:
    """Weights and biases by name, in He's spread (He et al. 2015) but for the last layer's."""
    hidden = [options.num_hidden] * options.num_layers
    widths = [3 + 6 * options.num_frequencies, *hidden, 1 + (num_latents or 3)]
    parts = {}
    for index, (inputs, outputs) in enumerate(pairwise(widths)):
        bound = math.sqrt(6 / inputs) * (_LAST_SPREAD if index == options.num_layers else 1.0)
        drawn = torch.rand(outputs, inputs, generator=generator)
        parts[f"weight_{index}"] = (2 * drawn - 1) * bound
        parts[f"bias_{index}"] = torch.zeros(outputs)
    return parts


def mlp_as_voxels(parts: dict[str, Tensor], options: MlpNerf, grid: VoxelField) -> VoxelField:
    """The field at the nodes of ``options.num_cells`` cells a side, differentiable.

    Args:
        parts: from `new_mlp_parts`, or what they have become.
        options: of the field.
        grid: raw values at these nodes, which the network's are added to.
    """
    places = rearrange(node_positions(grid), "x y z xyz -> (x y z) xyz")
    low, high = places.new_tensor(grid.low), places.new_tensor(grid.high)
    raw = waves(2 * (places - low) / (high - low) - 1, options.num_frequencies)
    for index in range(options.num_layers + 1):
        raw = functional.linear(raw, parts[f"weight_{index}"], parts[f"bias_{index}"])
        if index < options.num_layers:
            raw = functional.relu(raw)
    density = raw[:, 0].reshape(grid.density.shape) + grid.density
    colour = raw[:, 1:].reshape(grid.colour.shape) + grid.colour
    return replace(grid, density=density, colour=colour.contiguous())
