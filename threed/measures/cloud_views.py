"""Clouds of Gaussians before and after: drawn from the same six sides, compared."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from common.raster.render import MeshRender, render_mesh
from common.raster.shading import FLAT_LIGHTING
from threed.measures.consistency import view_psnr
from threed.measures.render_back import interior_psnr, surface_psnr, views_all_round
from threed.measures.silhouettes import silhouette_iou
from threed.rendering.gaussians import render
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.similarity import moved_cloud

SIZE_PX = 192
_INNER = 0.01
"""Share of the Gaussians beyond each face of the box that pictures are framed on."""
_VISIBLE = 1 / 255
_SOLID = 0.5
_REACH = 2.0
"""Deviations of a Gaussian that count as its body."""


@dataclass(frozen=True)
class Frame:
    """Where a cloud is and how large: what takes it into the unit sphere."""

    centre: tuple[float, float, float]
    radius_m: float


@dataclass(frozen=True)
class CloudBack:
    """How well two clouds' pictures agree."""

    psnr_db: float
    """Inside the alpha box on the worst background, the mean of the views; at most 100."""
    silhouette_iou: float | None
    """Mean overlap of outlines; None where nothing is half opaque."""


def frame_of(cloud: GaussianCloud) -> Frame:
    """The box of the visible Gaussians but the outermost 1 % on each side, as a sphere.

    Raises:
        InputError: no Gaussian is opaque enough to be seen.
    """
    shown = cloud.opacities.detach() >= _VISIBLE
    if not bool(shown.any()):
        raise InputError(f"none of {len(cloud)} Gaussians has an opacity of 1/255 or more")
    means = cloud.means.detach()[shown].double().numpy()
    size = cloud.scales.detach()[shown].double().amax(-1).median()
    low, high = np.quantile(means, [_INNER, 1 - _INNER], axis=0)
    x, y, z = ((low + high) / 2).tolist()
    return Frame((x, y, z), float(np.linalg.norm(high - low)) / 2 + _REACH * float(size))


def framed_cloud(cloud: GaussianCloud, frame: Frame) -> GaussianCloud:
    """The cloud with the frame's sphere as unit sphere."""
    shift = -torch.tensor(frame.centre, dtype=torch.float64) / frame.radius_m
    return moved_cloud(
        cloud, torch.eye(3, dtype=torch.float64), scale=1 / frame.radius_m, shift=shift
    )


def cloud_pictures(cloud: GaussianCloud, frame: Frame) -> Float[Tensor, "v h w 4"]:
    """Six views all round, premultiplied RGBA as a screen shows it: colours at most their alpha."""
    placed = framed_cloud(cloud, frame)
    with torch.no_grad():
        seen = render(placed, views_all_round(SIZE_PX).to(placed.means.dtype)).rgba.float()
    return torch.cat([seen[..., :3].clamp_min(0).minimum(seen[..., 3:]), seen[..., 3:]], -1)


def cloud_back(wanted: Float[Tensor, "v h w 4"], shown: Float[Tensor, "v h w 4"]) -> CloudBack:
    """How well pictures of a file agree with those of the cloud that it was written from.

    Raises:
        InputError: nothing is to be seen in a view of the wanted ones.
    """
    psnr = float(view_psnr(shown, wanted).mean())
    solid = (wanted[..., 3] >= _SOLID).flatten(1).any(1)
    if not bool(solid.any()):
        return CloudBack(psnr, None)
    return CloudBack(
        psnr, float(silhouette_iou(shown[solid, ..., 3], wanted[solid, ..., 3]).mean())
    )


@dataclass(frozen=True)
class MeshBack:
    """How well a mesh shows the cloud that it was made from."""

    interior_psnr_db: float
    """Of unshaded colours where both are opaque."""
    surface_psnr_db: float
    """The same away from outlines (`render_back.surface_psnr`)."""
    silhouette_iou: float | None
    """Mean overlap of outlines; None where nothing is half opaque."""


def mesh_back(cloud: GaussianCloud, mesh: TriangleMesh) -> MeshBack:
    """Compare a mesh with its cloud, from six sides that it was not made from.

    Raises:
        InputError: nothing is to be seen in a view of the cloud.
    """
    frame = frame_of(cloud)
    wanted, drawn = cloud_pictures(cloud, frame), mesh_pictures(mesh, frame)
    shown = drawn.rgba
    return MeshBack(
        interior_psnr(shown, wanted),
        surface_psnr(shown, wanted, drawn.depth),
        cloud_back(wanted, shown).silhouette_iou,
    )


def mesh_pictures(mesh: TriangleMesh, frame: Frame) -> MeshRender:
    """A mesh from the same sides, unshaded."""
    centre = torch.tensor(frame.centre, dtype=torch.float64)
    placed = (mesh.vertices.double() - centre) / frame.radius_m
    moved = replace(mesh, vertices=placed.float())
    return render_mesh(moved, views_all_round(SIZE_PX), lighting=FLAT_LIGHTING)
