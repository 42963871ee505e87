"""A voxel radiance field: density and colour at the nodes of a grid, trilinear between them.

What is stored is *raw*; what is seen is

    density = softplus(raw_density) * DENSITY_PER_M      [1/m]
    colour  = sigmoid(raw_colour)                        sRGB-encoded, in [0, 1]

Raw density is interpolated first and activated afterwards, so that a surface can be sharper than a
cell (post-activation: Sun et al. 2022, Direct Voxel Grid Optimization, arXiv 2111.11215, section
4.2; the shift of their softplus is here part of the raw values). Colours are activated at the
nodes, then interpolated, which keeps them in range and costs no exponential a sample. A field may
carry a prior's latents in place of colours (Metzer et al. 2022, Latent-NeRF, arXiv 2211.07600,
section 3.1): these have no range, and are seen as they are stored.

Nodes lie on the box's faces too: node ``i`` of ``n`` is at ``low + i / (n - 1) (high - low)``.
Beyond the box there is nothing. World conventions are those of `common.cameras`.
"""

import math
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from common.errors import InputError

DENSITY_PER_M = 50.0
"""Density for softplus 1: two centimetres of it let 1/e of the light through."""
EMPTY_RAW = -10.0
"""Raw density of empty space: a metre of it hides 0.2 % of the light."""

Corner = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class VoxelField:
    """The parameters of the scene, and the box they fill."""

    density: Float[Tensor, "x y z"]
    """Raw density, any number; see `density_of`."""
    colour: Float[Tensor, "x y z c"]
    """Three raw colours, any numbers (see `colour_of`), or as many latents as the prior has."""
    low: Corner = (-0.6, -0.6, -0.6)
    """The box's corner with the smallest coordinates, metres."""
    high: Corner = (0.6, 0.6, 0.6)
    """The box's opposite corner."""
    latent: bool = False
    """Whether ``colour`` is a prior's latents."""

    def __post_init__(self) -> None:
        if self.density.shape != self.colour.shape[:3] or min(self.density.shape) < 2:
            raise InputError(
                f"a field needs one colour for each density and two nodes an axis; density is "
                f"{tuple(self.density.shape)}, colour {tuple(self.colour.shape)}"
            )
        if not all(a < b for a, b in zip(self.low, self.high, strict=True)):
            raise InputError(f"the field's box from {self.low} to {self.high} is empty")

    @property
    def shown(self) -> Float[Tensor, "x y z c"]:
        """What rays gather at the nodes: sRGB-encoded colours in [0, 1], or latents."""
        return self.colour if self.latent else colour_of(self.colour)

    @property
    def cell_m(self) -> tuple[float, float, float]:
        """Distance of neighbouring nodes along each axis, metres."""
        sides = zip(self.low, self.high, self.density.shape, strict=True)
        x, y, z = ((b - a) / (n - 1) for a, b, n in sides)
        return x, y, z


def uniform_field(
    shape: tuple[int, int, int],
    raw_density: float = EMPTY_RAW,
    *,
    low: Corner = (-0.6, -0.6, -0.6),
    high: Corner = (0.6, 0.6, 0.6),
    dtype: torch.dtype = torch.float32,
    num_latents: int = 0,
) -> VoxelField:
    """A field of ``shape`` nodes with one density everywhere, grey, or of so many latents 0."""
    density = torch.full(shape, raw_density, dtype=dtype)
    colour = density.new_zeros(*shape, num_latents or 3)
    return VoxelField(density, colour, low, high, num_latents > 0)


def density_of(raw: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Density in 1/m: ``softplus(raw) * DENSITY_PER_M``."""
    return functional.softplus(raw) * DENSITY_PER_M


def raw_of_density(density_per_m: float) -> float:
    """The raw value of a density above 0: undoes `density_of`."""
    if not density_per_m > 0:
        raise InputError(f"a density must be above 0, got {density_per_m} 1/m")
    value = density_per_m / DENSITY_PER_M
    return value + math.log(-math.expm1(-value))


def colour_of(raw: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Colour in [0, 1]: ``sigmoid(raw)``."""
    return torch.sigmoid(raw)


def raw_of_colour(colour: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """Raw values of colours: undoes `colour_of`, but for 0 and 1, which move by 1/255."""
    return torch.logit(colour, eps=1 / 255)


def node_positions(field: VoxelField) -> Float[Tensor, "x y z 3"]:
    """Where the nodes are, metres."""
    axes = [
        torch.linspace(a, b, n, dtype=torch.float64)
        for a, b, n in zip(field.low, field.high, field.density.shape, strict=True)
    ]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).to(field.density)


def interpolated(
    values: Float[Tensor, "x y z c"], field: VoxelField, points: Float[Tensor, "n 3"]
) -> Float[Tensor, "n c"]:
    """Node values carried to points trilinearly; beyond the box, those of its nearest point."""
    low, high = points.new_tensor(field.low), points.new_tensor(field.high)
    where = (2 * (points - low) / (high - low) - 1).flip(-1)  # grid_sample wants z, y, x
    sampled = functional.grid_sample(
        rearrange(values, "x y z c -> 1 c x y z"), rearrange(where, "n zyx -> 1 n 1 1 zyx"),
        mode="bilinear", padding_mode="border", align_corners=True,
    )  # fmt: skip
    return rearrange(sampled, "1 c n 1 1 -> n c")


def query(
    field: VoxelField, points: Float[Tensor, "n 3"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
    """Density in 1/m (0 beyond the box) and colour at points; differentiable in all."""
    raw = interpolated(field.density[..., None], field, points)[:, 0]
    low, high = points.new_tensor(field.low), points.new_tensor(field.high)
    inside = ((points >= low) & (points <= high)).all(-1)
    return density_of(raw) * inside, interpolated(colour_of(field.colour), field, points)


def resampled(field: VoxelField, shape: tuple[int, int, int]) -> VoxelField:
    """The field on a grid of ``shape`` nodes, trilinear in the raw values.

    Nothing changes where the old nodes are among the new ones: from ``n`` to ``k (n - 1) + 1``.
    """
    whole = torch.cat([field.density[..., None], field.colour], -1)
    resized = functional.interpolate(
        rearrange(whole, "x y z c -> 1 c x y z"), size=shape, mode="trilinear", align_corners=True
    )
    whole = rearrange(resized, "1 c x y z -> x y z c")
    return replace(field, density=whole[..., 0].contiguous(), colour=whole[..., 1:].contiguous())


def refined(field: VoxelField) -> VoxelField:
    """The same field with cells of half the side."""
    x, y, z = field.density.shape
    return resampled(field, (2 * x - 1, 2 * y - 1, 2 * z - 1))


def occupied_cells(
    field: VoxelField, min_opacity: float = 1e-4
) -> Bool[Tensor, "x_cells y_cells z_cells"]:
    """Which cells can hide at least ``min_opacity`` of the light on a way as long as a cell.

    The densest corner decides, which bounds the density inside. What is left out of a render
    changes it by less than ``min_opacity`` times the cells that a ray crosses.
    """
    cell = max(field.cell_m)
    least = raw_of_density(-math.log1p(-min_opacity) / cell)
    highest = functional.max_pool3d(rearrange(field.density.detach(), "x y z -> 1 x y z"), 2, 1)
    return rearrange(highest, "1 x y z -> x y z") >= least
