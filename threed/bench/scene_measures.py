"""How like the known figure a distilled scene is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import reduce
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from threed.bench.render_prior import SIDES, pictures_of
from threed.meshing.surface import extract_surface
from threed.scenes.voxel_field import VoxelField

_SOLID = 0.5
"""Opacity from which a pixel's colour is compared."""


@dataclass(frozen=True)
class SceneMeasures:
    """Of one scene."""

    psnr_db: float
    """Of its pictures from eight sides, premultiplied RGBA."""
    chamfer_cm: float | None
    """Mean distance from either surface to the other; None of a scene without a surface."""
    colour_gain: float | None
    """By how much colours are further from grey than the figure's; None where nothing is solid."""
    num_fronts: int
    """Sides of eight that are most like the figure's front; 1 is right."""


def measured(scene: VoxelField, figure: VoxelField, size_px: int) -> SceneMeasures:
    """Compare a scene with the figure."""
    ours, theirs = (pictures_of(one, SIDES, size_px) for one in (scene, figure))
    error = float(((ours - theirs) / 2).square().mean())
    psnr = -10 * math.log10(max(error, 1e-10))
    return SceneMeasures(psnr, _chamfer_cm(scene, figure), _gain(ours, theirs),
                         _fronts(ours, theirs))  # fmt: skip


def diversity(scenes: Sequence[VoxelField], size_px: int) -> float | None:
    """Root mean variance of pixels in [0, 1] between scenes; None of one."""
    if len(scenes) < 2:
        return None
    seen = torch.stack([(pictures_of(scene, SIDES, size_px) + 1) / 2 for scene in scenes])
    return float(seen.var(0).mean().sqrt())


def _fronts(ours: Float[Tensor, "c v h w"], theirs: Float[Tensor, "c v h w"]) -> int:
    off = ours[:, :, None] - theirs[:, None]
    likest = reduce(off.square(), "c v k h w -> v k", "mean").argmin(1)
    return int((likest == 0).sum())


def _gain(ours: Float[Tensor, "c v h w"], theirs: Float[Tensor, "c v h w"]) -> float | None:
    """Slope of our colours on theirs, both about grey, where both are solid."""
    solid = ((ours[3] + 1) / 2 > _SOLID) & ((theirs[3] + 1) / 2 > _SOLID)
    if not bool(solid.any()):
        return None
    about = []
    for pictures in (ours, theirs):
        colour, opacity = (pictures[:3] + 1) / 2, (pictures[3:] + 1) / 2
        about.append((colour - opacity / 2)[:, solid])
    return float((about[0] * about[1]).sum() / about[1].square().sum())


def _chamfer_cm(scene: VoxelField, figure: VoxelField) -> float | None:
    from scipy.spatial import cKDTree

    try:
        points = [extract_surface(one).vertices.numpy() for one in (scene, figure)]
    except InputError:
        return None
    there, _ = cKDTree(points[1]).query(points[0])
    back, _ = cKDTree(points[0]).query(points[1])
    return 50 * float(there.mean() + back.mean())
