"""How well outlines agree."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import rasterize


def silhouettes(
    mesh: TriangleMesh, cameras: Cameras, supersample: int = 2
) -> Float[Tensor, "v h w"]:
    """The share of each pixel that the mesh covers, by ``supersample x supersample`` points."""
    fine = cameras.scaled(supersample).to(mesh.vertices.dtype)
    covered = rasterize(mesh.vertices, mesh.faces, fine).covered
    return torch.nn.functional.avg_pool2d(covered.to(mesh.vertices.dtype), supersample)


def silhouette_iou(
    alpha: Float[Tensor, "v h w"], reference: Float[Tensor, "v h w"], threshold: float = 0.5
) -> Float[Tensor, " v"]:
    """Intersection over union of the pixels above a threshold, view by view.

    Raises:
        InputError: a reference view shows nothing.
    """
    ours, theirs = alpha >= threshold, reference >= threshold
    _check_visible(theirs)
    both, either = (ours & theirs).sum((1, 2)), (ours | theirs).sum((1, 2))
    return both.to(alpha.dtype) / either


def mesh_iou(
    mesh: TriangleMesh, reference: Float[Tensor, "v h w"], cameras: Cameras
) -> Float[Tensor, " v"]:
    """`silhouette_iou` of a mesh's outline with alpha channels from the same cameras."""
    return silhouette_iou(silhouettes(mesh, cameras).to(reference.dtype), reference)


def _check_visible(masks: Bool[Tensor, "v h w"]) -> None:
    empty = (~masks.any(2).any(1)).nonzero().flatten().tolist()
    if empty:
        raise InputError(f"reference views {empty} show nothing to compare an outline with")
