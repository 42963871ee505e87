"""Checkpoints of our own nerfstudio plugin (``ns-train extrude``): a voxel field.

Tensors, under ``_model.``:

    voxel_density x y z, voxel_colour x y z 3      raw, as in `threed.scenes.voxel_field`
    voxel_box 2 3                                  low and high corner
    voxel_allowed x y z                            where matter may be

Unlike those of a run's cameras the grid's axes are ours (+Y up): rays are turned, not the grid.
"""

import torch

from common.errors import InputError
from threed.nerfstudio.checkpoint import NerfstudioCheckpoint, tensor_of
from threed.optimise.hull_start import emptied
from threed.scenes.voxel_field import VoxelField


def trained_field(checkpoint: NerfstudioCheckpoint) -> VoxelField:
    """The field of a checkpoint, in the training world turned so that its up is ours; float32.

    Raises:
        InputError: of another method, tensors of other shapes, values that are no numbers.
    """
    density = tensor_of(checkpoint, "voxel_density")
    colour = tensor_of(checkpoint, "voxel_colour")
    box = tensor_of(checkpoint, "voxel_box")
    allowed = tensor_of(checkpoint, "voxel_allowed") > 0
    shapes = {"voxel_colour": (colour, (*density.shape, 3)), "voxel_box": (box, (2, 3)),
              "voxel_allowed": (allowed, tuple(density.shape))}  # fmt: skip
    if density.ndim != 3:
        raise InputError(f"voxel_density is {tuple(density.shape)}, not x x y x z")
    for name, (tensor, shape) in shapes.items():
        if tuple(tensor.shape) != shape:
            raise InputError(f"{name} is {tuple(tensor.shape)}, not {shape}")
    if not all(bool(torch.isfinite(one).all()) for one in (density, colour, box)):
        raise InputError("the field has values that are no numbers; the training went astray")
    low, high = box.tolist()
    field = VoxelField(density, colour, (low[0], low[1], low[2]), (high[0], high[1], high[2]))
    return emptied(field, allowed)
