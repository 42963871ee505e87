"""Soft shadows where surfaces meet, from depth and normals (screen-space ambient occlusion).

Ambient light reaches a point less when neighbours rise above its tangent plane (Mittring 2007,
"Finding next gen"; obscurance form of McGuire et al. 2011). Radii are in metres, so nearby views
of an object agree about its creases.
"""

from typing import no_type_check

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras, rays
from common.raster.jit import kernel
from common.raster.threads import run_blocks

RADIUS = 0.14
BIAS = 0.012
"""Neighbours must rise this much (metres) above the tangent plane: facets do not shade themselves."""
STRENGTH = 2.2
ROW_BLOCK = 8


def ambient_visibility(
    depth: Float[Tensor, "v h w"], normal: Float[Tensor, "v h w 3"], cameras: Cameras
) -> Float[Tensor, "v h w"]:
    """The share of ambient light, in [0, 1], that reaches every pixel; 1 where nothing is seen.

    Args:
        depth: camera-space z, 0 where empty.
        normal: unit world normals toward the viewer.
        cameras: the views.
    """
    origins, directions = rays(cameras)
    forward = cameras.w2c[:, None, None, 2, :3]
    reach = depth / (directions * forward).sum(-1).clamp_min(1e-6)
    points = (origins + directions * reach[..., None]).contiguous()
    visibility = torch.ones_like(depth)
    offsets = _spiral()
    for view in range(len(cameras)):
        focal = float(cameras.intrinsics[view, 1, 1])
        run_blocks(
            _visibility_rows,
            cameras.height,
            ROW_BLOCK,
            points[view].numpy(),
            normal[view].contiguous().numpy(),
            depth[view].contiguous().numpy(),
            offsets,
            focal,
            visibility[view].numpy(),
        )
    return visibility


def _spiral(count: int = 28) -> np.ndarray:
    """Offsets in the unit disc on a golden-angle spiral, denser towards the middle."""
    index = np.arange(count) + 0.5
    radius, angle = index / count, index * np.pi * (3 - np.sqrt(5))
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


@kernel
@no_type_check
def _visibility_rows(start, stop, points, normals, depth, offsets, focal, visibility):
    height, width = depth.shape
    for row in range(start, stop):
        for column in range(width):
            if depth[row, column] <= 0:
                continue
            reach = focal * RADIUS / depth[row, column]
            total = 0.0
            for k in range(offsets.shape[0]):
                i = int(np.floor(row + 0.5 + reach * offsets[k, 1]))
                j = int(np.floor(column + 0.5 + reach * offsets[k, 0]))
                if i < 0 or j < 0 or i >= height or j >= width or depth[i, j] <= 0:
                    continue
                rise, squared = 0.0, 0.0
                for axis in range(3):
                    gap = points[i, j, axis] - points[row, column, axis]
                    rise += gap * normals[row, column, axis]
                    squared += gap * gap
                if rise > BIAS and squared < 4 * RADIUS * RADIUS:
                    fade = max(0.0, 1.0 - squared / (4 * RADIUS * RADIUS))
                    total += (rise - BIAS) / np.sqrt(squared + 1e-9) * fade
            visibility[row, column] = max(0.0, 1.0 - STRENGTH * total / offsets.shape[0])
