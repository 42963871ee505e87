"""Gaussian splatting as one would write it with torch: vectorised per Gaussian, then tile by tile.

The rival of the benchmark, and a second opinion on the twin. Colours are constant harmonics.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from common.cameras import Cameras
from tests.reference.splat_dense import rotations
from threed.scenes.gaussian_cloud import GaussianCloud

TILE = 16


def splat(cloud: GaussianCloud, cameras: Cameras) -> Tensor:
    """``rgb``, camera-space z and opacity of the first view, ``h w 5``, all premultiplied."""
    splats = _projected(cloud, cameras, 0.3)
    features = splats[3]
    rows = [
        torch.cat([_weights(alpha) @ features[inside] for alpha, inside in row], 1)
        for row in _tiles(splats[:3], splats[4], cameras)
    ]
    return torch.cat(rows, 0)


@torch.no_grad()
def mean_overlap(cloud: GaussianCloud, cameras: Cameras) -> float:
    """Splats of alpha at least 1/255 at a pixel of the first view, whatever hides them."""
    splats = _projected(cloud, cameras, 0.3)
    total = sum(
        int((alpha > 0).sum()) for row in _tiles(splats[:3], splats[4], cameras) for alpha, _ in row
    )
    return total / (cameras.height * cameras.width)


def _tiles(
    splats: tuple[Tensor, Tensor, Tensor], radius: Tensor, cameras: Cameras
) -> Iterator[list[tuple[Tensor, Tensor]]]:
    """Rows of tiles: alpha ``h w m`` of the splats that may touch the tile, and which they are."""
    centre, conic, opacity = splats
    for top in range(0, cameras.height, TILE):
        row = []
        for side in range(0, cameras.width, TILE):
            low = centre.new_tensor([side, top])
            high = torch.minimum(low + TILE, centre.new_tensor([cameras.width, cameras.height]))
            touched = ((centre + radius > low) & (centre - radius < high)).all(1)
            inside = touched.nonzero()[:, 0]
            alpha = _alpha(centre[inside], conic[inside], opacity[inside], low, high)
            row.append((alpha, inside))
        yield row


def _projected(
    cloud: GaussianCloud, cameras: Cameras, blur: float
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Splats by depth: centres, ``a b c`` of the inverse covariance, opacities, features, reach."""
    turn, offset, k = cameras.w2c[0, :3, :3], cameras.w2c[0, :3, 3], cameras.intrinsics[0]
    point = cloud.means @ turn.T + offset
    order = torch.argsort(point[:, 2].detach(), stable=True)
    order = order[point[order, 2] >= 0.01]
    x, y, z = point[order].unbind(-1)
    fx, fy = k[0, 0], k[1, 1]
    u, v = x / z, y / z
    zero = torch.zeros_like(z)
    across = torch.stack([fx / z, zero, -fx * u / z], -1) @ turn
    down = torch.stack([zero, fy / z, -fy * v / z], -1) @ turn
    axes = rotations(cloud.quaternions[order]) * cloud.scales[order][:, None]
    a = torch.einsum("ni,nij->nj", across, axes)
    b = torch.einsum("ni,nij->nj", down, axes)
    xx, xy, yy = (a * a).sum(1) + blur, (a * b).sum(1), (b * b).sum(1) + blur
    det = xx * yy - xy * xy
    opacity = cloud.opacities[order]
    reach = (2 * (255 * opacity).clamp_min(1).log()).sqrt().detach()
    radius = torch.stack([reach * xx.sqrt(), reach * yy.sqrt()], -1).detach()
    centre = torch.stack([fx * u + k[0, 2], fy * v + k[1, 2]], -1)
    colour = (0.5 + cloud.sh[order, 0] * 0.5 / math.sqrt(math.pi)).clamp_min(0)
    features = torch.cat([colour, z[:, None], torch.ones_like(z)[:, None]], -1)
    return centre, torch.stack([yy / det, -xy / det, xx / det], -1), opacity, features, radius


def _alpha(centre: Tensor, conic: Tensor, opacity: Tensor, low: Tensor, high: Tensor) -> Tensor:
    columns = torch.arange(int(low[0]), int(high[0]), dtype=centre.dtype) + 0.5
    rows = torch.arange(int(low[1]), int(high[1]), dtype=centre.dtype) + 0.5
    dx = (columns[:, None] - centre[:, 0])[None]
    dy = (rows[:, None] - centre[:, 1])[:, None]
    fall = 0.5 * (conic[:, 0] * dx * dx + conic[:, 2] * dy * dy) + conic[:, 1] * dx * dy
    alpha = (opacity * torch.exp(-fall)).clamp_max(0.99)
    return torch.where(alpha >= 1 / 255, alpha, 0.0)


def _weights(alpha: Tensor) -> Tensor:
    left = torch.cumprod(1 - alpha, -1)
    before = torch.cat([torch.ones_like(left[..., :1]), left[..., :-1]], -1)
    return torch.where(left > 1e-4, before * alpha, 0.0)
