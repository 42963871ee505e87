"""The weighted regularisers of a field and of its renders, by name."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras
from threed.rendering.rendered import Rendered
from threed.rendering.volume import render
from threed.scenes.regularisers import (
    bending,
    binarity,
    depth_variance,
    emptiness,
    normal_smoothness,
    orientation,
    sparsity,
    surface_area,
    total_variation,
)
from threed.scenes.scene_config import ShapeLosses
from threed.scenes.voxel_field import VoxelField

BACKGROUND_M = 10.0
"""How far away empty pixels count as, for depth (SJC)."""
BORDER_SHARE = 0.25
"""Of a picture's side, at either end, that is its border. SJC's is 7 of 64 pixels, from cameras so
near that the middle is 0.43 to 0.82 of its box's half; 0.25 makes it 0.71 of ours."""


def rendered_for(
    weights: ShapeLosses, field: VoxelField, cameras: Cameras, generator: torch.Generator
) -> Rendered:
    """Renders with what the terms ask of them, samples shifted at random along their rays."""
    return render(
        field, cameras, generator=generator,
        with_normals=bool(weights.orientation or weights.normal_smoothness),
        with_variance=bool(weights.depth_variance),
    )  # fmt: skip


def shape_terms(
    field: VoxelField, seen: Rendered, weights: ShapeLosses, share: float
) -> dict[str, Tensor]:
    """Terms to lower; those of weight 0 are not computed.

    Args:
        field: the scene.
        seen: its renders in this step.
        weights: of the terms.
        share: of the steps that are done.
    """
    empty = weights.emptiness
    if weights.late_emptiness is not None and share >= 0.5:
        empty = weights.late_emptiness
    terms: dict[str, Tensor] = {}
    if empty:
        terms["emptiness"] = empty * emptiness(field)
    if weights.centre_depth:
        terms["centre_depth"] = weights.centre_depth * centre_depth(seen)
    if weights.colour_variation:
        variation = total_variation(field.shown)
        terms["colour_variation"] = weights.colour_variation * variation
    if weights.bending:
        terms["bending"] = weights.bending * bending(field.density)
    if weights.surface:
        terms["surface"] = weights.surface * surface_area(field)
    if weights.binarity:
        terms["binarity"] = weights.binarity * binarity(seen.opacity)
    if weights.sparsity:
        terms["sparsity"] = weights.sparsity * sparsity(seen.opacity)
    if seen.facing is not None and weights.orientation:
        terms["orientation"] = weights.orientation * orientation(seen.facing)
    if seen.normal is not None and weights.normal_smoothness:
        terms["normal_smoothness"] = weights.normal_smoothness * normal_smoothness(seen.normal)
    if seen.depth_variance is not None and weights.depth_variance:
        spread = depth_variance(seen.depth_variance, seen.opacity)
        terms["depth_variance"] = weights.depth_variance * spread
    return terms


def centre_depth(seen: Rendered) -> Float[Tensor, ""]:
    """``-log softplus(mean depth of the border - mean depth of the middle)``.

    Wang et al. 2023 (Score Jacobian Chaining, arXiv 2212.00774): the object belongs into the middle
    of the picture, which is all but a border of `BORDER_SHARE`. Empty pixels count as
    `BACKGROUND_M` away. The published code takes the difference the other way round, whose
    logarithm does not exist where the loss is at work; its gradient does, and is this one's where
    the border is metres farther. The softplus gives every arrangement a value and a pull.
    """
    depth = seen.depth * seen.opacity + BACKGROUND_M * (1 - seen.opacity)
    _, height, width = depth.shape
    top, left = (max(round(BORDER_SHARE * side), 1) for side in (height, width))
    middle = torch.zeros_like(depth)
    middle[:, top : height - top, left : width - left] = 1.0
    inside = (depth * middle).sum((1, 2)) / middle.sum((1, 2))
    border = (depth * (1 - middle)).sum((1, 2)) / (1 - middle).sum((1, 2))
    return -functional.softplus(border - inside).log().mean()
