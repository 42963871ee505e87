"""Points on the surface of the visual hull: where a fit of Gaussians begins."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras
from common.errors import InputError
from threed.optimise.fit_views import SPACE
from threed.optimise.hull_start import allowed_nodes, hull_box
from threed.scenes.visual_hull import mean_colour
from threed.scenes.voxel_field import node_positions

CELLS = 64
"""Cells along the longest side of the grid that the hull is found on."""


def hull_points(
    rgba: Float[Tensor, "v h w 4"], cameras: Cameras, count: int, generator: torch.Generator
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 3"]]:
    """Points drawn evenly from the hull's outermost cells, and straight colours in [0, 1].

    A point's colour is the mean of what the pictures show there, whatever hides it.

    Args:
        rgba: premultiplied, sRGB-encoded, in [0, 1].
        cameras: of the pictures.
        count: how many points.
        generator: draws them.

    Raises:
        InputError: no point of space is covered by all silhouettes.
    """
    box = hull_box(rgba[..., 3], cameras, SPACE, CELLS, 1)
    inside = allowed_nodes(box, rgba[..., 3], cameras, 0)
    if not bool(inside.any()):
        raise InputError(
            "the silhouettes leave less of space than a sixty-fourth of the object; are the "
            "cameras those of the pictures?"
        )
    deep = functional.max_pool3d((~inside).float()[None], 3, 1, 1)[0] == 0
    places = node_positions(box)[inside & ~deep]
    chosen = places[torch.randint(len(places), (count,), generator=generator)]
    jitter = torch.rand(count, 3, generator=generator) - 0.5
    points = chosen + jitter * torch.tensor(box.cell_m)
    return points, mean_colour(rgba, cameras, points).clamp(0, 1)
