"""From a cloud of Gaussians to a field that can be meshed and baked.

At each node of a grid ``d = sum_i o_i exp(-1/2 (x - m_i)^T S_i^-1 (x - m_i))`` (Tang et al. 2024,
DreamGaussian, arXiv 2309.16653, section 3.3), and the colour is the mean of the Gaussians' constant
colours with the same weights. The raw density of the field is ``log d``: its level 0 is their
threshold of 1, and `threed.meshing.level.fitted_surface` finds the level that fits the pictures.
"""

import math

import torch
from torch import Tensor

from common.errors import InputError
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.gaussian_start import C0
from threed.scenes.voxel_field import EMPTY_RAW, Corner, VoxelField, raw_of_colour

MARGIN_CELLS = 2
SLAB = 1
"""Layers of nodes along x that a thread takes at a time."""
_LEAST = 1 / 255
"""Weights below this are left out, as in pictures."""


def density_field(cloud: GaussianCloud, num_cells: int = 128) -> VoxelField:
    """The cloud as a field of cubic cells in a box about all Gaussians that can be seen.

    Gaussians thinner than a cell are taken as half a cell thick, or the grid would miss them.

    Args:
        cloud: float32 or float64, on the CPU.
        num_cells: along the longest side.

    Raises:
        InputError: no Gaussian is opaque enough to be seen, or there are too few cells.
    """
    if num_cells < 4 * MARGIN_CELLS:
        raise InputError(f"{num_cells} cells leave no room; use {4 * MARGIN_CELLS} or more")
    shown = cloud.opacities.detach() >= _LEAST
    if not bool(shown.any()):
        raise InputError(
            f"none of {len(cloud)} Gaussians has an opacity of 1/255 or more: nothing to mesh"
        )
    means, axes, scales, opacity, colour = _parts(cloud, shown)
    reach = (2 * (255 * opacity).log()).sqrt()[:, None]
    extent = reach * ((axes * scales[:, None]) ** 2).sum(-1).sqrt()
    low, high = (means - extent).amin(0), (means + extent).amax(0)
    cell = float((high - low).max()) / (num_cells - 2 * MARGIN_CELLS)
    counts = [math.ceil(side / cell) + 2 * MARGIN_CELLS for side in (high - low).tolist()]
    middle, half = (low + high) / 2, torch.tensor(counts, dtype=torch.float64) * cell / 2
    low, high = middle - half, middle + half
    thick = (scales**2 + (cell / 2) ** 2).sqrt()
    extent = reach * ((axes * thick[:, None]) ** 2).sum(-1).sqrt()
    narrow = axes / thick[:, None]  # rows of the inverse's root, as columns
    rows = torch.cat([means, narrow.flatten(1), opacity[:, None], colour], 1)
    first = ((means - extent - low) / cell).ceil().clamp_min(0).int()
    last = torch.minimum(((means + extent - low) / cell).floor(), torch.tensor(counts)).int()
    sums = _summed(rows, torch.cat([first, last], 1), low, cell, counts)
    density = sums[..., 0].clamp_min(math.exp(EMPTY_RAW)).log()
    straight = sums[..., 1:] / sums[..., :1].clamp_min(1e-12)
    mean = (opacity[:, None] * colour).sum(0) / opacity.sum()
    straight = torch.where(sums[..., :1] > 0, straight, mean).clamp(0, 1)
    dtype = cloud.means.dtype
    return VoxelField(
        density.to(dtype), raw_of_colour(straight).to(dtype), _corner(low), _corner(high)
    )


def _parts(cloud: GaussianCloud, shown: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Means, axes (columns), deviations, opacities and constant colours of some, in float64."""
    q = torch.nn.functional.normalize(cloud.quaternions.detach()[shown].double(), dim=-1)
    w, x, y, z = q.unbind(-1)
    axes = torch.stack(
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
         2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
         2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], -1,
    ).view(-1, 3, 3)  # fmt: skip
    colour = (0.5 + C0 * cloud.sh.detach()[shown, 0].double()).clamp(0, 1)
    return (cloud.means.detach()[shown].double(), axes, cloud.scales.detach()[shown].double(),
            cloud.opacities.detach()[shown].double(), colour)  # fmt: skip


def _summed(rows: Tensor, boxes: Tensor, low: Tensor, cell: float, counts: list[int]) -> Tensor:
    from common.raster.threads import run_blocks
    from threed.meshing.gaussian_density_kernels import sum_slabs

    sums = torch.zeros(*(count + 1 for count in counts), 4, dtype=torch.float64)
    run_blocks(
        sum_slabs, sums.shape[0], SLAB, rows.contiguous().numpy(), boxes.contiguous().numpy(),
        low.numpy(), cell, _LEAST, sums.numpy(),
    )  # fmt: skip
    return sums


def _corner(point: Tensor) -> Corner:
    x, y, z = point.tolist()
    return x, y, z
