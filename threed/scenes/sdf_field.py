"""A signed-distance field on a grid, seen through VolSDF's density (arXiv 2106.12052).

The distance ``s`` to the surface, negative inside, stands at the nodes of a grid. Rays see

    density = 1 / b * Psi_b(-s),    Psi_b(x) = exp(x / b) / 2 for x <= 0, else 1 - exp(-x / b) / 2,

the distribution function of Laplace's distribution (equations 2 and 3, with alpha = 1 / b): half of
its maximum at the surface, and over a distance of ``b`` metres nearly nothing outside. As ``b``
falls the surface sharpens. Density is worked out at the nodes as the raw value of a `VoxelField`
and is trilinear between them in that: outside, raw density is nearly linear in ``s``, so that the
surface that is seen is where ``s`` is 0 between nodes too.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from threed.scenes.voxel_field import (
    DENSITY_PER_M,
    Corner,
    VoxelField,
    node_positions,
    uniform_field,
)

_SURFACE_RAW = 0.0
"""Raw density that counts as the surface of a field that a distance is made of."""


@dataclass(frozen=True, eq=False)
class SdfField:
    """The parameters, and the box they fill."""

    distance: Float[Tensor, "x y z"]
    """Signed distance, metres; negative inside."""
    colour: Float[Tensor, "x y z c"]
    """Raw colours or latents, as those of a `VoxelField`."""
    low: Corner = (-0.6, -0.6, -0.6)
    high: Corner = (0.6, 0.6, 0.6)
    latent: bool = False
    """Whether ``colour`` is a prior's latents."""


def ball_sdf(num_cells: int, radius_m: float, num_latents: int = 0) -> SdfField:
    """A grey ball, exactly: ``|x| - r``; or of so many latents 0."""
    grid = uniform_field((num_cells + 1,) * 3, num_latents=num_latents)
    distance = node_positions(grid).norm(dim=-1) - radius_m
    return SdfField(distance, grid.colour, grid.low, grid.high, grid.latent)


def sdf_density(distance: Float[Tensor, "*shape"], blur_m: float) -> Float[Tensor, "*shape"]:
    """VolSDF's density, 1/m, of distances in metres."""
    outside = 0.5 * torch.exp(-distance.clamp_min(0) / blur_m)
    inside = 1 - 0.5 * torch.exp(distance.clamp_max(0) / blur_m)
    return torch.where(distance > 0, outside, inside) / blur_m


def raw_sdf_density(distance: Float[Tensor, "*shape"], blur_m: float) -> Float[Tensor, "*shape"]:
    """The raw value whose activation is `sdf_density`, without a detour through tiny numbers.

    ``log(expm1(d)) = log d + d + log(-expm1(-d) / d)`` of the density ``d`` in units of
    `DENSITY_PER_M`; outside, ``log d`` is linear in the distance.
    """
    log_most = -math.log(blur_m * DENSITY_PER_M)
    outside = math.log(0.5) - distance.clamp_min(0) / blur_m
    inside = torch.log1p(-0.5 * torch.exp(distance.clamp_max(0) / blur_m))
    log_density = torch.where(distance > 0, outside, inside) + log_most
    density = log_density.exp()
    safe = density.clamp_min(1e-6)  # the last term is 0 to rounding below
    return log_density + density + torch.log(-torch.expm1(-safe) / safe)


def sdf_as_voxels(field: SdfField, blur_m: float) -> VoxelField:
    """The field as rays see it, differentiable."""
    raw = raw_sdf_density(field.distance, blur_m)
    return VoxelField(raw, field.colour, field.low, field.high, field.latent)


def sdf_as_solid(field: SdfField, blur_m: float) -> VoxelField:
    """The field as it is meshed: raw density linear in the distance on both sides.

    Outside it is what rays see; inside it goes on rising, so that what a mesher does to noise does
    not move the surface, which is at `surface_raw`.
    """
    raw = surface_raw(blur_m) - field.distance / blur_m
    return VoxelField(raw, field.colour, field.low, field.high, field.latent)


def surface_raw(blur_m: float) -> float:
    """Raw density where the distance is 0."""
    return float(raw_sdf_density(torch.zeros((), dtype=torch.float64), blur_m))


def eikonal(field: SdfField) -> Float[Tensor, ""]:
    """``mean (|grad s| - 1)^2`` over cells: 0 of a distance (Gropp et al. 2020, equation 1).

    The gradient in a cell is the mean of the differences along its four edges of each direction.
    """
    s = field.distance
    cell_x, cell_y, cell_z = (
        (b - a) / (n - 1) for a, b, n in zip(field.low, field.high, s.shape, strict=True)
    )
    pairs_y = 0.5 * (s[:, 1:] + s[:, :-1])
    middle_x = 0.5 * (pairs_y[..., 1:] + pairs_y[..., :-1])
    gradient_x = (middle_x[1:] - middle_x[:-1]) / cell_x
    pairs_x = 0.5 * (s[1:] + s[:-1])
    middle_y = 0.5 * (pairs_x[..., 1:] + pairs_x[..., :-1])
    gradient_y = (middle_y[:, 1:] - middle_y[:, :-1]) / cell_y
    middle_z = 0.5 * (pairs_x[:, 1:] + pairs_x[:, :-1])
    gradient_z = (middle_z[..., 1:] - middle_z[..., :-1]) / cell_z
    squares = gradient_x.square() + gradient_y.square() + gradient_z.square()
    return ((squares + 1e-12).sqrt() - 1).square().mean()


def sdf_of(field: VoxelField) -> SdfField:
    """Distances to the surface of a field of densities, where its raw density is 0.

    Near the surface ``-raw / |grad raw|``, elsewhere the way to the nearest point of the surface
    on an edge of the grid; the smaller of both counts. A field without a surface keeps its sign
    and is as far from one as its box is long.
    """
    from scipy.spatial import cKDTree

    raw = field.density.detach().double().numpy()
    sign = np.where(raw > _SURFACE_RAW, -1.0, 1.0)
    points = node_positions(field).double().numpy()
    crossings = _crossings(raw, points)
    if not len(crossings):
        far = sign * max(b - a for a, b in zip(field.low, field.high, strict=True))
        return SdfField(torch.from_numpy(far).float(), field.colour.detach(), field.low, field.high)
    way = cKDTree(crossings).query(points.reshape(-1, 3))[0].reshape(raw.shape)
    slopes = np.sqrt(sum(part**2 for part in np.gradient(raw, *field.cell_m)))
    near = np.abs(raw - _SURFACE_RAW) / np.maximum(slopes, 1e-9)
    distance = sign * np.where(way < 2 * max(field.cell_m), np.minimum(way, near), way)
    return SdfField(
        torch.from_numpy(distance).to(field.density), field.colour.detach(), field.low, field.high
    )


def _crossings(
    raw: Float[np.ndarray, "x y z"], points: Float[np.ndarray, "x y z xyz"]
) -> Float[np.ndarray, "n xyz"]:
    """Where raw density crosses that of the surface on edges of the grid."""
    found = []
    for axis in range(3):
        first = [slice(None)] * 3
        second = [slice(None)] * 3
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        a, b = raw[tuple(first)] - _SURFACE_RAW, raw[tuple(second)] - _SURFACE_RAW
        crosses = (a > 0) != (b > 0)
        share = (a[crosses] / (a[crosses] - b[crosses]))[:, None]
        found.append(
            (1 - share) * points[tuple(first)][crosses] + share * points[tuple(second)][crosses]
        )
    return np.concatenate(found)
