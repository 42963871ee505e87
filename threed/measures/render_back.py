"""Whether a file shows what it was written from: both are drawn by the same renderer, compared."""

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

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
_JUMP = 0.06
"""Radii by which depth changes across an outline: more than any surface seen at 80 degrees does."""
_BEHIND = 100.0


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
    cameras = views_all_round(SIZE_PX)
    wanted, shown = (
        render_mesh(framed(one, reference), cameras, lighting=FLAT_LIGHTING).rgba
        for one in (reference, read)
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


def surface_psnr(
    shown: Float[Tensor, "v h w 4"],
    wanted: Float[Tensor, "v h w 4"],
    depth: Float[Tensor, "v h w"],
) -> float:
    """`interior_psnr` of pixels that are not beside an outline, within the object's picture either.

    Where one part hides another a mesh is sharp and a cloud of Gaussians soft; how well outlines
    agree is what overlaps measure. Pixels within two of a jump in depth do not count.

    Args:
        shown: pictures of a mesh in the unit sphere.
        wanted: what it is compared with.
        depth: of the mesh in these pictures, 0 where it is not.
    """
    far = torch.where(depth > 0, depth, _BEHIND)
    jump = functional.max_pool2d(far, 3, 1, 1) + functional.max_pool2d(-far, 3, 1, 1)
    beside = functional.max_pool2d((jump > _JUMP).to(depth), 3, 1, 1) > 0
    return interior_psnr(torch.where(beside[..., None], 0.0, shown), wanted)


def framed(mesh: TriangleMesh, reference: TriangleMesh) -> TriangleMesh:
    """The mesh moved and scaled as takes the reference's box into the unit sphere.

    Cameras have a near plane in metres: what is a millimetre large would be before it.

    Raises:
        InputError: the reference is a point.
    """
    low, high = (one.double() for one in (reference.vertices.amin(0), reference.vertices.amax(0)))
    radius = 0.5 * (high - low).norm()
    if float(radius) == 0:
        raise InputError("all vertices are one point; there is nothing to look at")
    placed = (mesh.vertices.double() - (low + high) / 2) / radius
    return replace(mesh, vertices=placed.float())


def views_all_round(size_px: int) -> Cameras:
    """Cameras that see all of the unit sphere."""
    distance = MARGIN / math.sin(math.radians(FOVY_DEG / 2))
    return orbit_cameras(AZIMUTHS_DEG, ELEVATIONS_DEG, distance, FOVY_DEG, size_px, size_px)
