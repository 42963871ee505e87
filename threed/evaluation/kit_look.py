"""What can be measured of one asset that should be a thing of the kit."""

from dataclasses import dataclass
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.judging.asked import Asked
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.shapes import Images
from common.training.kit.asset_truth import true_objects, true_pictures, true_shapes
from threed.evaluation.asset_look import AROUND, SIDES
from threed.evaluation.front_look import fronts_told, have_one_front
from threed.measures.chamfer import chamfer_cm, seen_points
from threed.measures.silhouettes import mesh_iou, silhouettes

_OUTLINE_PX = 96
_POINTS_PX = 48
_FROM_ABOVE = View(0.0, 75.0)
_NUM_PICTURED = 8
"""True instances whose colours are looked at."""
_NUM_FRONTED = 3
"""True instances that must have one front for fronts of the asset to be counted."""
_SOLID = 0.5


@dataclass(frozen=True, eq=False)
class KitLook:
    """What one asset is like."""

    sides: Images
    """Pictures from `AROUND`, the front first, premultiplied RGBA in [-1, 1], without light."""
    rank: int | None
    """Place of the thing among all names in what the judge says of the front, from 0."""
    colour: bool | None
    """Whether the judge sees the colour there; None where none was asked."""
    num_fronts: int | None
    """Fronts that the judge tells round it; None of things of which not every true instance that is
    looked at has one."""
    outline_iou: float
    """Mean overlap of outlines from eight sides with the true instance that is most like it."""
    chamfer_cm: float
    """Between what can be seen of its surface and of that instance's."""
    colour_gain: float | None
    """How much farther from mid grey its colours are than those of true instances in the colour
    that was asked, root mean squares; 1 is right, None where nothing is solid."""


def kit_look(
    mesh: TriangleMesh, asked: Asked, num_truths: int, judge: Any, size_px: int
) -> KitLook:
    """Look at an asset from all round.

    Args:
        mesh: centred, +Y up, front +Z, on the scale of `common.embedded.orbit`, textured.
        asked: what it should be.
        num_truths: true instances that it is held against.
        judge: who says what pictures show.
        size_px: side of the pictures.
    """
    category = str(asked.concept)
    sides = sides_of(mesh, size_px)
    (front,) = judgements(look(judge, sides[:1]), [asked], ReadTexts(judge, load_names()))
    overlap, truest = _truest(mesh, list(true_shapes(category, num_truths)))
    spots = cameras_on_orbit((*AROUND, _FROM_ABOVE), _POINTS_PX)
    pictures = true_pictures(category, asked.colour, min(num_truths, _NUM_PICTURED), SIDES)
    ours, theirs = (
        _strength(rearrange((sides + 1) / 2, "v c h w -> v h w c")),
        _strength(torch.cat(list(pictures))),
    )
    fronted = have_one_front(judge, true_objects(category, asked.colour, _NUM_FRONTED))
    return KitLook(
        sides, front.rank, front.colour, fronts_told(judge, mesh) if fronted else None,
        overlap, chamfer_cm(seen_points(mesh, spots), seen_points(truest, spots)),
        None if ours is None or theirs is None else ours / theirs,
    )  # fmt: skip


def sides_of(mesh: TriangleMesh, size_px: int) -> Images:
    """Pictures from `AROUND`, the front first, premultiplied RGBA in [-1, 1], without light."""
    seen = render_mesh(
        mesh, cameras_on_orbit(AROUND, size_px), supersample=2, lighting=FLAT_LIGHTING
    )
    return rearrange(seen.rgba, "v h w c -> v c h w") * 2 - 1


def _truest(mesh: TriangleMesh, truths: list[TriangleMesh]) -> tuple[float, TriangleMesh]:
    """The overlap with the true shape that the asset is most like, and that shape."""
    cameras = cameras_on_orbit(AROUND, _OUTLINE_PX)
    overlaps = [float(mesh_iou(mesh, silhouettes(one, cameras), cameras).mean()) for one in truths]
    best = max(range(len(truths)), key=overlaps.__getitem__)
    return overlaps[best], truths[best]


def _strength(rgba: Float[Tensor, "v h w 4"]) -> float | None:
    """Root mean square distance of solid pixels' colours from mid grey; None where none is."""
    solid = rgba[rgba[..., 3] > _SOLID]
    if not len(solid):
        return None
    return float((solid[:, :3] / solid[:, 3:] - 0.5).square().mean().sqrt())
