"""Volume rendering of voxel fields on the CPU, differentiable in the field's values.

Everything between a ray and its pixel happens in compiled loops (`volume_kernels`), so memory is
that of the pictures and no chunking is needed. Results do not depend on the number of threads.
"""

import math
from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from common.cameras import Cameras, rays
from common.errors import InputError
from threed.rendering.rendered import Rendered
from threed.scenes.voxel_field import DENSITY_PER_M, VoxelField, occupied_cells

RAY_BLOCK = 256
GRADIENT_BANDS = 4
"""Sums of gradients that are kept apart and added at the end: as many threads work backward."""


@dataclass(frozen=True)
class March:
    """How finely rays are sampled."""

    step_cells: float = 0.5
    """Longest step between samples, in cells."""
    min_transmittance: float = 1e-4
    """A ray ends when less of the light than this is left."""
    reach_m: float = math.inf
    """A ray ends after so many metres."""


@dataclass(frozen=True, eq=False)
class RayTotals:
    """What rays gather on their way through a field."""

    features: Float[Tensor, "r c"]
    """``sum w f``: premultiplied by the opacity."""
    opacity: Float[Tensor, " r"]
    """``sum w``, in [0, 1]."""
    distance: Float[Tensor, " r"]
    """``sum w t``, metres from the origin, premultiplied too."""
    square: Float[Tensor, " r"]
    """``sum w t^2``, square metres."""


def render(
    field: VoxelField,
    cameras: Cameras,
    *,
    march: March | None = None,
    occupied: Bool[Tensor, "x_cells y_cells z_cells"] | None = None,
    generator: torch.Generator | None = None,
    with_normals: bool = False,
    with_variance: bool = False,
) -> Rendered:
    """Pictures of the field, or latents of pictures, differentiable in its density and colour.

    Args:
        field: float32 or float64, on the CPU.
        cameras: the views, in the field's dtype.
        march: how finely; None: the defaults.
        occupied: the cells that may hold something, all others are skipped; None: those that
            `occupied_cells` finds.
        generator: shifts the samples of every ray by one random share of a step, which turns
            banding into noise; None: samples are in the middle of their steps.
        with_normals: also gather normals, which costs about half as much again.
        with_variance: also the variance of depth.
    """
    origins, directions = rays(cameras)
    shape = origins.shape[:3]
    features = field.shown
    num_shown = features.shape[-1]
    if with_normals:
        features = torch.cat([features, node_normals(field)], -1)
    offsets = None
    if generator is not None:
        offsets = torch.rand(math.prod(shape), generator=generator, dtype=origins.dtype)
    totals = march_rays(
        field, features, origins.reshape(-1, 3), directions.reshape(-1, 3),
        march=march, occupied=occupied, offsets=offsets,
    )  # fmt: skip
    axes = cameras.w2c[:, 2, :3]  # the cameras' z axes in the world
    slope = (directions * rearrange(axes, "v xyz -> v 1 1 xyz")).sum(-1)
    pictures = totals.features.view(*shape, -1)
    opacity = totals.opacity.view(shape)
    seen = opacity > 0
    distance = totals.distance.view(shape) / torch.where(seen, opacity, 1.0)
    normal = pictures[..., num_shown:] if with_normals else None
    facing = None if normal is None else -(normal * directions).sum(-1)
    variance = None
    if with_variance:
        square = totals.square.view(shape) / torch.where(seen, opacity, 1.0)
        variance = (square - distance.square()).clamp_min(0)
    shown = pictures[..., :num_shown]
    return Rendered(shown, opacity, distance * slope, normal, facing, variance)


def march_rays(
    field: VoxelField,
    features: Float[Tensor, "x y z c"],
    origins: Float[Tensor, "r 3"],
    directions: Float[Tensor, "r 3"],
    *,
    march: March | None = None,
    occupied: Bool[Tensor, "x_cells y_cells z_cells"] | None = None,
    offsets: Float[Tensor, " r"] | None = None,
) -> RayTotals:
    """Composite features of the field's nodes along any rays; see `volume_kernels`.

    Args:
        field: gives the density and the box.
        features: values of the nodes, such as activated colours.
        origins: where rays begin, metres.
        directions: of unit length.
        march: how finely; None: the defaults.
        occupied: the cells that are sampled; None: those that `occupied_cells` finds.
        offsets: where in each of its steps a ray is sampled, in [0, 1); None: in the middle.
    """
    _check(field, features, origins)
    chosen = March() if march is None else march
    cells = occupied_cells(field) if occupied is None else occupied
    if offsets is None:
        offsets = origins.new_full((len(origins),), 0.5)
    grid = torch.cat([field.density[..., None], features], -1)
    totals = _March.apply(
        grid, cells, origins, directions, offsets, field.low, field.high,
        (chosen.reach_m, chosen.step_cells * min(field.cell_m), chosen.min_transmittance),
    )  # fmt: skip
    return RayTotals(totals[:, 1:-2], totals[:, 0], totals[:, -2], totals[:, -1])


def node_normals(field: VoxelField) -> Float[Tensor, "x y z 3"]:
    """Outward unit normals at the nodes: against the gradient of raw density, by differences."""
    slopes = torch.stack(torch.gradient(field.density, spacing=field.cell_m), -1)
    return -torch.nn.functional.normalize(slopes, dim=-1, eps=1e-12)


class _March(torch.autograd.Function):
    """Node values ``x y z 1+c`` to rows of opacity, features, distance and its square."""

    @staticmethod
    def forward(
        ctx: Any,
        grid: Tensor,
        occupied: Tensor,
        origins: Tensor,
        directions: Tensor,
        offsets: Tensor,
        low: tuple[float, ...],
        high: tuple[float, ...],
        limits: tuple[float, float, float],
    ) -> Tensor:
        from common.raster.threads import run_blocks
        from threed.rendering.volume_kernels import march_block

        tensors = [one.detach().contiguous() for one in (grid, occupied.to(torch.uint8))]
        tensors += [one.detach().contiguous() for one in (origins, directions, offsets)]
        totals = grid.new_empty(len(origins), grid.shape[3] + 2)
        volume, lines = _arrays(tensors, low, high, limits)
        run_blocks(march_block, len(origins), RAY_BLOCK, volume, lines, totals.numpy())
        ctx.save_for_backward(*tensors, totals)
        ctx.low, ctx.high, ctx.limits = low, high, limits
        return totals

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        import numpy as np

        from common.raster.threads import run_blocks
        from threed.rendering.volume_kernels import march_bands_backward

        *tensors, totals = ctx.saved_tensors
        grid = tensors[0]
        volume, lines = _arrays(tensors, ctx.low, ctx.high, ctx.limits)
        bands = min(GRADIENT_BANDS, len(totals))
        sums = np.zeros((bands, grid[..., 0].numel(), grid.shape[3]), volume.grid.dtype)
        run_blocks(
            march_bands_backward, bands, 1, volume, lines, totals.numpy(),
            grad.contiguous().numpy(), -(-len(totals) // bands), sums,
        )  # fmt: skip
        grad_grid = torch.from_numpy(sums.sum(0)).view_as(grid)
        return grad_grid, None, None, None, None, None, None, None


def _arrays(
    tensors: list[Tensor],
    low: tuple[float, ...],
    high: tuple[float, ...],
    limits: tuple[float, float, float],
) -> Any:
    """Grid, cells and rays as the kernels take them."""
    import numpy as np

    from threed.rendering.volume_kernels import Rays, Volume

    grid, occupied, origins, directions, offsets = (one.numpy() for one in tensors)
    volume = Volume(grid, occupied, np.array(low), np.array(high), DENSITY_PER_M)
    return volume, Rays(origins, directions, offsets, *limits)


def _check(field: VoxelField, features: Tensor, origins: Tensor) -> None:
    if field.density.device.type != "cpu" or origins.device.type != "cpu":
        raise InputError(f"this renderer works on the CPU; the field is on {field.density.device}")
    dtypes = {field.density.dtype, features.dtype, origins.dtype}
    if len(dtypes) > 1 or not dtypes <= {torch.float32, torch.float64}:
        raise InputError(f"field and cameras must be float32 or float64 alike, got {dtypes}")
    if features.shape[:3] != field.density.shape:
        raise InputError(
            f"features for {tuple(features.shape[:3])} nodes, field of {tuple(field.density.shape)}"
        )
