"""The figure that the bench's prior knows: round, with a face in front and a pack on its back.

Every side looks different, colours stay away from black and white, so that a loss that overdoes
them shows it.
"""

import torch

from threed.scenes.voxel_field import VoxelField, node_positions, raw_of_colour, uniform_field

_NODES = 25
_STEEPNESS = 60.0
"""Raw density per metre below the surface."""
_BALLS = (
    # centre (x right, y up, z front), radius in metres, colour
    ((0.0, 0.0, 0.0), 0.36, (0.35, 0.5, 0.65)),
    ((0.0, 0.06, 0.17), 0.23, (0.7, 0.62, 0.4)),
    ((0.0, 0.02, 0.36), 0.1, (0.68, 0.36, 0.34)),
    ((0.0, -0.05, -0.22), 0.2, (0.4, 0.62, 0.38)),
    ((0.0, 0.36, 0.0), 0.12, (0.62, 0.38, 0.62)),
)
"""Body, face, nose, pack, tuft. Left and right are alike, and outlines say little of the side, so
that a figure with several faces is possible."""


def known_figure(aside_m: float = 0.0) -> VoxelField:
    """Its field, +Z in front, within a box of 1.2 m; so far to its left (+X) of the middle."""
    field = uniform_field((_NODES,) * 3)
    points = node_positions(field)
    depths = torch.stack(
        [radius - (points - torch.tensor(centre)).norm(dim=-1) for centre, radius, _ in _BALLS]
    )
    colours = torch.stack([raw_of_colour(torch.tensor(colour)) for *_, colour in _BALLS])
    nearest = depths.argmax(0)
    density = (_STEEPNESS * depths.amax(0)).clamp(-10.0, 6.0)
    (x, y, z), (far_x, far_y, far_z) = field.low, field.high
    low, high = (x + aside_m, y, z), (far_x + aside_m, far_y, far_z)
    return VoxelField(density, colours[nearest].contiguous(), low, high)
