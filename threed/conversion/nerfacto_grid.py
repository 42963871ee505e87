"""The field of a nerfacto checkpoint on a grid, which can be rendered, meshed and baked."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from threed.nerfstudio.dataparser import TRAINING_AXES
from threed.nerfstudio.nerfacto import NerfactoField
from threed.scenes.voxel_field import DENSITY_PER_M, EMPTY_RAW, VoxelField, raw_of_colour
from threed.splats.axes import axes_matrix

_POINTS = 2**16
_EDGE = 1 / math.sqrt(3)
"""Half a side of the largest cube in the unit sphere, which cameras all round see whole."""
_DIRECTIONS = ((1.0, 0, 0), (-1.0, 0, 0), (0, 1.0, 0), (0, -1.0, 0), (0, 0, 1.0), (0, 0, -1.0))


def nerfacto_grid(field: NerfactoField, num_cells: int, half_side: float = 1.0) -> VoxelField:
    """Density and colour at the nodes of a cube about the middle of the training world, +Y up.

    The cube is scaled into the unit sphere; what nerfacto contracts beyond it is background, and is
    left out. Colours are means over six viewing directions.

    Args:
        field: of a checkpoint.
        num_cells: along a side of the cube.
        half_side: of the cube in the training world; 1 is what is not contracted.

    Raises:
        InputError: there is nothing dense in the cube.
    """
    axis = torch.linspace(-half_side, half_side, num_cells + 1, dtype=torch.float32)
    nodes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    turned = nodes @ axes_matrix(TRAINING_AXES).float()  # the inverse turn of our nodes
    density = torch.empty(len(nodes))
    colour = torch.empty(len(nodes), 3)
    with torch.no_grad():
        for begin in range(0, len(nodes), _POINTS):
            rows = slice(begin, begin + _POINTS)
            density[rows], colour[rows] = _seen(field, turned[rows])
    shape = (num_cells + 1,) * 3
    # lengths shrink by edge / half_side, so density per length grows by its inverse
    raw = _raw(density * half_side / _EDGE / DENSITY_PER_M)
    if not bool((raw > EMPTY_RAW).any()):
        raise InputError("the checkpoint's field is empty in the middle of its training world")
    return VoxelField(
        raw.reshape(shape), raw_of_colour(colour).reshape(*shape, 3), (-_EDGE,) * 3, (_EDGE,) * 3
    )


def _seen(field: NerfactoField, points: Float[Tensor, "n 3"]) -> tuple[Tensor, Tensor]:
    density, features = field.density_and_features(points)
    colours = [
        field.colour(points.new_tensor(one).expand(len(points), 3), features) for one in _DIRECTIONS
    ]
    return density, torch.stack(colours).mean(0)


def _raw(share: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    """Undoes the softplus: ``log(e^x - 1)``, at least `EMPTY_RAW`."""
    value = share.double().clamp(1e-12, 1e6)
    return (value + (-torch.expm1(-value)).log()).clamp_min(EMPTY_RAW).float()
