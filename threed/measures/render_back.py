"""Whether a file shows what it was written from: both are drawn by the same renderer, compared."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras, orbit_cameras
from common.errors import InputError
from common.judging.alpha_box import MAX_PSNR
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from threed.measures.silhouettes import silhouette_iou

AZIMUTHS_DEG = (0.0, 60.0, 120.0, 180.0, 240.0, 300.0)
ELEVATIONS_DEG = (12.0, -20.0, 40.0, 12.0, -20.0, 40.0)
FOVY_DEG = 25.0
SIZE_PX = 192
MARGIN = 1.05
"""Of the sphere about the mesh, so that its outline is inside every picture."""
_WHOLE = 0.999


@dataclass(frozen=True)
class RenderBack:
    """How well a file's pictures agree with those of its source."""

    psnr_db: float
    """Of unshaded colours, over the pixels of all views that both cover wholly; at most 100."""
    silhouette_iou: float
    """Mean overlap of outlines."""


def render_back(reference: TriangleMesh, read: TriangleMesh) -> RenderBack:
    """Compare a mesh that was read from a file with the one that it was written from.

    Six cameras all round, above and below, framed on the reference.

    Raises:
        InputError: the reference is a point.
    """
    cameras = framing_cameras(reference, SIZE_PX)
    wanted, shown = (
        render_mesh(one, cameras, lighting=FLAT_LIGHTING).rgba for one in (reference, read)
    )
    iou = float(silhouette_iou(shown[..., 3], wanted[..., 3]).mean())
    return RenderBack(interior_psnr(shown, wanted), iou)


def interior_psnr(shown: Float[Tensor, "v h w 4"], wanted: Float[Tensor, "v h w 4"]) -> float:
    """PSNR in dB of colours where both pictures are opaque; 0 where that is nowhere.

    ``-10 log10(mean squared error)`` over those pixels of all views, at most 100 dB.
    """
    inside = (wanted[..., 3] >= _WHOLE) & (shown[..., 3] >= _WHOLE)
    if not bool(inside.any()):
        return 0.0
    squares = (shown - wanted)[..., :3][inside].double().square().mean()
    return min(float(-10 * squares.log10()), MAX_PSNR)


def framing_cameras(mesh: TriangleMesh, size_px: int) -> Cameras:
    """Cameras about the middle of a mesh of any size and place, which see all of it.

    Raises:
        InputError: the mesh is a point.
    """
    low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
    radius = 0.5 * float((high - low).norm())
    if radius == 0:
        raise InputError("all vertices are one point; there is nothing to look at")
    half_angle = torch.deg2rad(torch.tensor(FOVY_DEG / 2, dtype=torch.float64))
    distance = MARGIN * radius / float(half_angle.sin())
    middle = ((low + high) / 2).tolist()
    return orbit_cameras(
        AZIMUTHS_DEG, ELEVATIONS_DEG, distance, FOVY_DEG, size_px, size_px,
        target=(middle[0], middle[1], middle[2]),
    )  # fmt: skip
