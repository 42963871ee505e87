"""How like the known figure a distilled scene is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import einsum, reduce
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.embedded.orbit import HALF_EXTENT_M
from common.errors import InputError
from threed.bench.render_prior import SIDES, pictures_of
from threed.measures.chamfer import chamfer_cm
from threed.meshing.surface import extract_surface
from threed.scenes.voxel_field import VoxelField

_SOLID = 0.5
"""Opacity from which a pixel's colour is compared."""
_THIN = 0.1
"""Opacity below which a pixel shows fog and no matter."""
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
    """From the middle of what pictures show to that of the figure in the middle, root mean square
    over eight sides, at the origin's distance; None where a side shows nothing but fog."""


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
    middle = theirs if centred is None else pictures_of(centred, SIDES, size_px)
    error = float(((ours - theirs) / 2).square().mean())
    psnr = -10 * math.log10(max(error, 1e-10))
    return SceneMeasures(
        psnr, _chamfer_cm(scene, figure), _gain(ours, theirs), _fronts(ours, theirs),
        _fog(ours, [theirs, middle]), _off_centre_cm(ours, middle),
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


def _off_centre_cm(
    ours: Float[Tensor, "c v h w"], centred: Float[Tensor, "c v h w"]
) -> float | None:
    middles = []
    for pictures in (ours, centred):
        opacity = (pictures[3] + 1) / 2
        matter = torch.where(opacity > _THIN, opacity, 0.0)
        if not bool(matter.any(-1).any(-1).all()):
            return None
        size = matter.shape[-1]
        along = (torch.arange(size) + 0.5) * (200 * HALF_EXTENT_M / size)
        places = torch.stack(torch.meshgrid(along, along, indexing="ij"), -1)
        weighed = einsum(matter, places, "v h w, h w c -> v c")
        middles.append(weighed / reduce(matter, "v h w -> v 1", "sum"))
    return float((middles[0] - middles[1]).square().sum(-1).mean().sqrt())


def _chamfer_cm(scene: VoxelField, figure: VoxelField) -> float | None:
    try:
        return chamfer_cm(*(extract_surface(one).vertices for one in (scene, figure)))
    except InputError:
        return None
