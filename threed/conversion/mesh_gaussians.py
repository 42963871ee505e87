"""From Gaussians, or any field, to a textured mesh, whatever their size and place.

The scene is brought into the unit sphere, meshed there at the density whose outlines fit renders of
it best, fitted to these renders, textured from them, and put back.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from common.cameras import Cameras, orbit_cameras
from common.raster.mesh import TriangleMesh
from threed.conversion.options import Meshing
from threed.finishing import FinishOptions, finished
from threed.measures.cloud_views import Frame, frame_of, framed_cloud
from threed.measures.render_back import FOVY_DEG, MARGIN
from threed.meshing.gaussian_density import density_field
from threed.meshing.surface import SurfaceOptions
from threed.optimise.fit_mesh import MeshFit
from threed.rendering.gaussians import render
from threed.rendering.volume import render as render_field
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.voxel_field import VoxelField
from threed.texturing.bake import BakeOptions, Pictures

_FAR = 2.0
"""Radii of the frame beyond which Gaussians are not meshed: they would take the grid's cells."""
_GOLDEN_DEG = 180 * (3 - math.sqrt(5))


@dataclass(frozen=True, eq=False)
class MeshedScene:
    """A textured mesh in the scene's own place and size."""

    mesh: TriangleMesh
    silhouette_iou: float
    """Mean overlap of its outlines with those of the renders that it was made from."""
    losses: tuple[str, ...]


def meshed_gaussians(
    cloud: GaussianCloud, options: Meshing, max_faces: int | None, texture_px: int
) -> MeshedScene:
    """The surface of a cloud, textured with what it looks like from all round.

    Raises:
        InputError: nothing opaque enough to be meshed.
    """
    frame = frame_of(cloud)
    placed = framed_cloud(cloud, frame)
    near = placed.means.detach().norm(dim=-1) <= _FAR
    kept = _rows(placed, near)
    cameras = cameras_all_round(options.num_pictures, options.picture_px)
    with torch.no_grad():
        seen = render(kept, cameras.to(kept.means.dtype)).rgba.float()
    rgba = torch.cat([seen[..., :3].clamp_min(0).minimum(seen[..., 3:]), seen[..., 3:]], -1)
    field = density_field(kept, options.num_cells)
    made = meshed_pictures(field, Pictures(rgba, cameras), options, max_faces, texture_px)
    far = int((~near).sum())
    lost = [f"{far:,} Gaussians far from the others (floaters, background) are not meshed"]
    losses = (*(lost if far else ()), *_lost_to_surfaces(cloud))
    return MeshedScene(placed_back(made.mesh, frame), made.silhouette_iou, losses)


def meshed_field(
    field: VoxelField, options: Meshing, max_faces: int | None, texture_px: int
) -> MeshedScene:
    """The surface of a field within the unit sphere.

    Raises:
        InputError: the field is empty.
    """
    cameras = cameras_all_round(options.num_pictures, options.picture_px)
    with torch.no_grad():
        rgba = render_field(field, cameras).rgba
    return meshed_pictures(field, Pictures(rgba, cameras), options, max_faces, texture_px)


def meshed_pictures(
    field: VoxelField,
    pictures: Pictures,
    options: Meshing,
    max_faces: int | None,
    texture_px: int,
) -> MeshedScene:
    """The surface of a field, fitted to pictures of it and textured with them.

    Raises:
        InputError: the field is empty.
    """
    # beyond 2048 texels are finer than anything in the pictures, and memory is short
    bake = BakeOptions(size=texture_px, supersample=1 if texture_px > 2048 else 2)
    fit = MeshFit(num_steps=options.fit_steps) if options.fit_steps else None
    made = finished(
        field, pictures, FinishOptions(SurfaceOptions(options.surface), max_faces, bake, shape=fit)
    )
    return MeshedScene(made.mesh, made.silhouette_iou, ())


def cameras_all_round(count: int, size_px: int) -> Cameras:
    """Cameras about the unit sphere, evenly spread over all directions (a Fibonacci lattice)."""
    azimuths, elevations = directions_all_round(count)
    distance = MARGIN / math.sin(math.radians(FOVY_DEG / 2))
    return orbit_cameras(azimuths, elevations, distance, FOVY_DEG, size_px, size_px)


def directions_all_round(count: int) -> tuple[list[float], list[float]]:
    """Azimuths and elevations in degrees, evenly spread over all directions."""
    heights = 1 - (2 * np.arange(count) + 1) / count
    elevations = np.degrees(np.arcsin(heights))
    azimuths = (_GOLDEN_DEG * np.arange(count)) % 360
    return azimuths.tolist(), elevations.tolist()


def placed_back(mesh: TriangleMesh, frame: Frame) -> TriangleMesh:
    """A mesh of the framed scene where the scene is."""
    centre = torch.tensor(frame.centre, dtype=torch.float64)
    points = mesh.vertices.double() * frame.radius_m + centre
    return replace(mesh, vertices=points.float())


def _rows(cloud: GaussianCloud, chosen: Tensor) -> GaussianCloud:
    return GaussianCloud(
        cloud.means[chosen], cloud.log_scales[chosen], cloud.quaternions[chosen],
        cloud.opacity_logits[chosen], cloud.sh[chosen],
    )  # fmt: skip


def _lost_to_surfaces(cloud: GaussianCloud) -> tuple[str, ...]:
    lost = ["softness and transparency become a surface"]
    if cloud.degree:
        lost.append(f"colours that depend on the direction (degree {cloud.degree}) become their "
                    "mean over the renders")  # fmt: skip
    return tuple(lost)
