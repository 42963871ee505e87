"""Where a field's surface is: at the density whose outlines fit the pictures best.

A threshold that is fixed, or a mean of the field, is what meshes of radiance fields are most often
wrong by: too high, and thin or translucent parts are gone; too low, and they swell.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.measures.silhouettes import mesh_iou
from threed.meshing.surface import SurfaceOptions, extract_surface
from threed.scenes.voxel_field import VoxelField

LOWEST, HIGHEST, COARSE, FINE = -6.0, 4.0, 1.0, 0.25


@dataclass(frozen=True, eq=False)
class FittedSurface:
    """The surface whose outlines overlap most with the pictures'."""

    mesh: TriangleMesh
    level: float
    """Raw density at the surface."""
    iou: float
    """Mean overlap with the silhouettes it was chosen by."""


def fitted_surface(
    field: VoxelField,
    alpha: Float[Tensor, "v h w"],
    cameras: Cameras,
    options: SurfaceOptions | None = None,
) -> FittedSurface:
    """Try levels of raw density, in steps of 1 and then of 1/4 around the best; keep the best mesh.

    Args:
        field: what to mesh.
        alpha: silhouettes to agree with, in [0, 1].
        cameras: of the silhouettes.
        options: None: the defaults.

    Raises:
        InputError: the field is empty at all levels.
    """
    coarse = torch.arange(LOWEST, HIGHEST + FINE, COARSE).tolist()
    best = _best(field, coarse, alpha, cameras, options)
    if best is None:
        raise InputError(f"the field is empty: there is no surface above raw density {LOWEST}")
    offsets = torch.arange(-COARSE + FINE, COARSE, FINE).tolist()
    around = [best.level + offset for offset in offsets if offset != 0]
    finer = _best(field, around, alpha, cameras, options)
    return best if finer is None or finer.iou <= best.iou else finer


def _best(
    field: VoxelField,
    levels: list[float],
    alpha: Tensor,
    cameras: Cameras,
    options: SurfaceOptions | None,
) -> FittedSurface | None:
    """The best of several levels, the first of equals; None if all are empty."""
    tried = [_at(field, level, alpha, cameras, options) for level in levels]
    return max((one for one in tried if one), key=lambda one: one.iou, default=None)


def _at(
    field: VoxelField,
    level: float,
    alpha: Tensor,
    cameras: Cameras,
    options: SurfaceOptions | None,
) -> FittedSurface | None:
    if float(field.density.detach().max()) <= level:
        return None
    try:
        mesh = extract_surface(field, level, options)
    except InputError:  # what was above the level was less than noise
        return None
    return FittedSurface(mesh, level, float(mesh_iou(mesh, alpha, cameras).mean()))
