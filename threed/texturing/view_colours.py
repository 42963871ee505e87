"""The colours that pictures show at points of a surface, and how well they show them."""

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras, project
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import rasterize


@dataclass(frozen=True)
class ViewWeights:
    """How much a picture has to say about a point."""

    cosine_power: float = 4.0
    """Weights are the cosine of normal and viewing direction to this power (Hunyuan3D-2: 4)."""
    min_cosine: float = 0.2
    """Below this cosine a picture says nothing: one pixel covers too much surface."""
    depth_margin_m: float = 0.02
    """A point so little behind what the picture sees still counts as seen."""
    min_alpha: float = 0.8
    """Pixels less opaque say nothing: background is mixed in."""
    erode_px: int = 1
    """Nor do pixels so near to them, along rows, columns and diagonals."""
    border_px: float = 0.0
    """Pixels count the less the nearer they are to an outline, of the mesh or of something of it
    in front of the rest: as their distance over this one, up to 1; 0: all the same."""


def view_colours(
    mesh: TriangleMesh,
    positions: Float[Tensor, "n 3"],
    normals: Float[Tensor, "n 3"],
    pictures: Float[Tensor, "v h w 4"],
    cameras: Cameras,
    weights: ViewWeights | None = None,
) -> tuple[Float[Tensor, "v n 3"], Float[Tensor, "v n"]]:
    """Each picture's straight colour at each point, and its weight there, 0 where it is not seen.

    A point is seen if nothing of the mesh within a pixel of it is nearer to the camera: pixels at
    the edge of something in front show a mixture.

    Args:
        mesh: what may hide the points.
        positions: points of its surface.
        normals: outward unit normals there.
        pictures: premultiplied RGBA in [0, 1].
        cameras: of the pictures.
        weights: None: the defaults.
    """
    chosen = weights or ViewWeights()
    pixels, weight = geometric_weights(mesh, positions, normals, cameras, chosen)
    reach = chosen.erode_px
    solid = -functional.max_pool2d(-pictures[..., 3], 2 * reach + 1, 1, reach)
    sure = ((solid - chosen.min_alpha) / (1 - chosen.min_alpha)).clamp(0, 1)
    rgba = looked_up(pictures, pixels, cameras, "bilinear")
    certain = looked_up(rearrange(sure, "v h w -> v h w 1"), pixels, cameras, "bilinear")[..., 0]
    return rgba[..., :3] / rgba[..., 3:].clamp_min(1e-3), weight * certain


def geometric_weights(
    mesh: TriangleMesh,
    positions: Float[Tensor, "n 3"],
    normals: Float[Tensor, "n 3"],
    cameras: Cameras,
    weights: ViewWeights,
) -> tuple[Float[Tensor, "v n 2"], Float[Tensor, "v n"]]:
    """Where each point is in each picture, in pixels, and how well it is seen there.

    ``cos^k`` where it is not hidden, less near outlines; 0 elsewhere. What pictures show does not
    matter: that is `view_colours`.
    """
    depth = rasterize(mesh.vertices, mesh.faces, cameras).depth
    far = torch.where(depth > 0, depth, float("inf"))
    nearest = -functional.max_pool2d(-far, 3, 1, 1)
    pixels, away = project(cameras, positions)
    toward = functional.normalize(cameras.positions[:, None] - positions, dim=-1)
    cosine = (toward * normals).sum(-1)
    # across a pixel the depth of a slanted surface changes by its width times the tangent
    width = away / rearrange(cameras.intrinsics[:, 0, 0], "v -> v 1")
    tangent = (1 - cosine**2).clamp_min(0).sqrt() / cosine.clamp_min(weights.min_cosine)
    margin = weights.depth_margin_m + 1.5 * width * tangent
    front = looked_up(rearrange(nearest, "v h w -> v h w 1"), pixels, cameras, "nearest")[..., 0]
    seen = (away <= front + margin) & (cosine > weights.min_cosine) & (away > 0)
    weight = cosine.clamp_min(0) ** weights.cosine_power * seen
    if weights.border_px > 0:
        inner = _from_outlines(far, nearest, weights)
        weight = weight * looked_up(inner[..., None], pixels, cameras, "bilinear")[..., 0]
    return pixels, weight


def _from_outlines(
    far: Float[Tensor, "v h w"], nearest: Float[Tensor, "v h w"], weights: ViewWeights
) -> Float[Tensor, "v h w"]:
    """Distance of each pixel to the next outline over ``border_px``, in [0, 1]."""
    from scipy import ndimage

    farthest = functional.max_pool2d(far, 3, 1, 1)
    # the step of an outline; a surface that slants as much is seen at a grazing angle
    even = (farthest - nearest) <= 2.5 * weights.depth_margin_m
    rows = [ndimage.distance_transform_edt(one.numpy()) for one in even & far.isfinite()]
    inside = torch.from_numpy(np.stack(rows)).to(far)
    return (inside / weights.border_px).clamp(0, 1)


def looked_up(
    pictures: Float[Tensor, "v h w c"],
    pixels: Float[Tensor, "v n 2"],
    cameras: Cameras,
    mode: str,
) -> Float[Tensor, "v n c"]:
    """Picture values at pixel positions; 0 outside."""
    where = 2 * pixels / pixels.new_tensor([cameras.width, cameras.height]) - 1
    sampled = functional.grid_sample(
        rearrange(pictures, "v h w c -> v c h w"), rearrange(where, "v n xy -> v 1 n xy"),
        mode=mode, padding_mode="zeros", align_corners=False,
    )  # fmt: skip
    return rearrange(sampled, "v c 1 n -> v n c")
