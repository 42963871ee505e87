"""How like the known figure a distilled scene is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.errors import InputError
from threed.bench.render_prior import SIDES, pictures_of
from threed.measures.chamfer import chamfer_cm
from threed.meshing.surface import extract_surface
from threed.scenes.regularisers import cell_opacity
from threed.scenes.voxel_field import VoxelField, node_positions

_SOLID = 0.5
"""Opacity from which a pixel's colour is compared, and a cell counts as matter."""
_EMPTY = 0.01
"""Opacity below which the figure leaves a pixel empty."""
_EDGE_PX = 2
"""How near the figure's outline what is there is a soft edge and no fog."""


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
    fog: float
    """Mean opacity beyond the figure's outlines, aside and in the middle; 0 is right."""
    off_centre_cm: float | None
    """From the middle of the scene's solid matter to that of the figure in the middle; None where
    nothing is solid."""


def measured(
    scene: VoxelField, figure: VoxelField, size_px: int, centred: VoxelField | None = None
) -> SceneMeasures:
    """Compare a scene with the figure.

    Args:
        scene: what was distilled.
        figure: what the prior shows.
        size_px: side of the pictures.
        centred: the figure in the middle, if the prior shows it aside.
    """
    ours, theirs = (pictures_of(one, SIDES, size_px) for one in (scene, figure))
    known = [theirs] if centred is None else [theirs, pictures_of(centred, SIDES, size_px)]
    error = float(((ours - theirs) / 2).square().mean())
    psnr = -10 * math.log10(max(error, 1e-10))
    return SceneMeasures(
        psnr, _chamfer_cm(scene, figure), _gain(ours, theirs), _fronts(ours, theirs),
        _fog(ours, known), _off_centre_cm(scene, centred or figure),
    )  # fmt: skip


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


def _fog(ours: Float[Tensor, "c v h w"], known: Sequence[Float[Tensor, "c v h w"]]) -> float:
    shown = torch.stack([(one[3] + 1) / 2 for one in known]).amax(0)
    near = functional.max_pool2d(shown, 2 * _EDGE_PX + 1, stride=1, padding=_EDGE_PX)
    return float(((ours[3] + 1) / 2)[near < _EMPTY].mean())


def _off_centre_cm(scene: VoxelField, figure: VoxelField) -> float | None:
    middles = []
    for one in (scene, figure):
        solid = cell_opacity(one) > _SOLID
        if not bool(solid.any()):
            return None
        middles.append(node_positions(one)[solid].mean(0))
    return 100 * float((middles[0] - middles[1]).norm())


def _chamfer_cm(scene: VoxelField, figure: VoxelField) -> float | None:
    try:
        return chamfer_cm(*(extract_surface(one).vertices for one in (scene, figure)))
    except InputError:
        return None
