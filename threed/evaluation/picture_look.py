"""What can be said of one asset that was made of a picture whose object is known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.embedded.image_unet import FRONT, View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from threed.evaluation.asset_look import SIDES, side_pictures
from threed.front_place import VIEW_M, FrontPlace, front_pictures, front_place, on_orbit
from threed.measures.consistency import view_psnr
from threed.measures.ellipsoid import best_ellipsoid, ellipsoid_iou
from threed.measures.silhouettes import mesh_iou, silhouettes
from threed.meshing.surface import extract_surface
from threed.scenes.visual_hull import silhouette_support
from threed.scenes.voxel_field import VoxelField, node_positions, uniform_field

RAISED_DEG = 30.0
UNSEEN = tuple(
    View(45.0 * step, elevation)
    for elevation in (FRONT.elevation_deg, RAISED_DEG)
    for step in range(8)
    if (step, elevation) != (0, FRONT.elevation_deg)
)
"""From where outlines and colours are compared: all round at two heights, but not the picture's."""
_OUTLINE_PX = 96
_NODES = 97
_SUPERSAMPLE = 4


@dataclass(frozen=True, eq=False)
class PictureLook:
    """One asset beside the object of its picture. Pictures are premultiplied RGBA in [-1, 1]."""

    given: Float[Tensor, "4 h w"]
    """The picture."""
    shown: Float[Tensor, "4 h w"]
    """The asset from the camera that took it, without light."""
    sides: Float[Tensor, "n 4 s s"]
    """The asset from `SIDES`, without light."""
    true_sides: Float[Tensor, "n 4 s s"]
    """The object from there."""
    figures: Mapping[str, float]
    """``given_db``, ``unseen_iou``, ``unseen_db``; ``ellipsoid_iou`` and ``extruded_iou`` of lumps
    that know nothing of the other sides."""


def picture_look(
    mesh: TriangleMesh, picture: Float[Tensor, "4 h h"], truth: TriangleMesh, size_px: int
) -> PictureLook:
    """Compare an asset with its picture and, from where that was not taken, with its object.

    Args:
        mesh: the asset.
        picture: premultiplied, in [0, 1]; of the orbit's front camera.
        truth: the object, textured, where it was when the picture was taken.
        size_px: side of the pictures of sides.
    """
    from common.training.kit.asset_truth import true_views

    placed = placed_object(truth, front_place(picture), picture.shape[-1])
    sides = rearrange(true_views(placed, cameras_on_orbit(SIDES, size_px)), "v h w c -> v c h w")
    given = front_pictures(picture, max(picture.shape[1:]))
    shown = _drawn(mesh, given.cameras)
    figures = look_figures(mesh, picture, placed, size_px) | _lumps(picture, placed)
    return PictureLook(
        picture * 2 - 1, rearrange(shown, "1 h w c -> c h w") * 2 - 1,
        side_pictures(mesh, size_px), sides * 2 - 1, figures,
    )  # fmt: skip


def look_figures(
    mesh: TriangleMesh, picture: Float[Tensor, "4 h w"], placed: TriangleMesh, size_px: int
) -> dict[str, float]:
    """``given_db``: PSNR in the picture's alpha box, on the worst background, in its own pixels.

    ``unseen_db`` is the mean of the same over `UNSEEN`, ``unseen_iou`` the overlap of outlines.
    """
    from common.training.kit.asset_truth import true_views

    given = front_pictures(picture, max(picture.shape[1:]))
    cameras = cameras_on_orbit(UNSEEN, size_px)
    coarse = cameras_on_orbit(UNSEEN, _OUTLINE_PX)
    unseen = view_psnr(_drawn(mesh, cameras), true_views(placed, cameras))
    return {
        "given_db": float(view_psnr(_drawn(mesh, given.cameras), given.rgba)),
        "unseen_iou": float(mesh_iou(mesh, silhouettes(placed, coarse), coarse).mean()),
        "unseen_db": float(unseen.mean()),
    }


def placed_object(truth: TriangleMesh, place: FrontPlace, size_px: int) -> TriangleMesh:
    """The object where its asset is to be: its picture in the middle, the longer side a metre.

    Perspective changes with the scale, of which a picture says nothing; for objects a metre long it
    is within some percent of 1. What is up in the picture is taken for up in the world.
    """
    metres = place.metres_per_px
    scale = metres / (VIEW_M / size_px)
    right, down = (place.column - size_px / 2) * metres, (place.row - size_px / 2) * metres
    up = down / math.cos(math.radians(FRONT.elevation_deg))
    moved = truth.vertices * scale + truth.vertices.new_tensor([-right, up, 0.0])
    return replace(truth, vertices=moved)


def extruded(picture: Float[Tensor, "4 h w"]) -> TriangleMesh:
    """The picture's outline as a solid as deep as its shorter side: no knowledge of other sides."""
    alpha = on_orbit(picture, _OUTLINE_PX)[3]
    solid = alpha > 0.5
    shorter = min(int(solid.any(0).sum()), int(solid.any(1).sum())) * VIEW_M / len(alpha)
    space = uniform_field((_NODES,) * 3, low=(-0.6,) * 3, high=(0.6,) * 3)
    points = node_positions(space)
    camera = cameras_on_orbit([FRONT], _OUTLINE_PX)
    seen = silhouette_support(alpha[None], camera, points.reshape(-1, 3)).view(space.density.shape)
    within = (shorter / 2 - points[..., 2].abs()) / space.cell_m[2]
    density = torch.minimum(seen - 0.5, within.clamp(-0.5, 0.5))
    return extract_surface(VoxelField(density, space.colour, space.low, space.high), 0.0)


def _lumps(picture: Tensor, placed: TriangleMesh) -> dict[str, float]:
    cameras = cameras_on_orbit(UNSEEN, _OUTLINE_PX)
    wanted = silhouettes(placed, cameras)
    lump = best_ellipsoid(wanted, cameras)
    return {
        "ellipsoid_iou": float(ellipsoid_iou(lump, wanted, cameras).mean()),
        "extruded_iou": float(mesh_iou(extruded(picture), wanted, cameras).mean()),
    }


def _drawn(mesh: TriangleMesh, cameras: Cameras) -> Float[Tensor, "v h w 4"]:
    return render_mesh(mesh, cameras, supersample=_SUPERSAMPLE, lighting=FLAT_LIGHTING).rgba
