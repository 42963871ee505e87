"""From painted views to a texture: projected, filled over the surface, seams levelled."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from common.raster.mesh import TriangleMesh
from threed.painting.kept_texture import KeptTexture
from threed.painting.shown_colours import shown_colours
from threed.painting.surface_fill import SHOWN, SurfaceFill
from threed.texturing.bake import Pictures
from threed.texturing.seams import levelled
from threed.texturing.texels import texel_means, texels_of, texture_from
from threed.texturing.view_colours import ViewWeights

NODES_PX = 256
"""Side of the page whose texels are the points that colours spread over."""
FAINT = 0.02
"""What the spread colours have to say beside views, whose weights are cosines to a power."""


@dataclass(frozen=True, eq=False)
class ProjectedTexture:
    """A painted mesh, and what is known of its texels."""

    mesh: TriangleMesh
    seen: Bool[Tensor, "h w"]
    """Texels of charts that some view shows; the rest was filled over the surface."""
    owned: Bool[Tensor, "h w"]
    """Texels of charts."""


def projected_texture(
    mesh: TriangleMesh,
    painted: Pictures,
    size: int,
    weights: ViewWeights,
    supersample: int = 2,
    kept: KeptTexture | None = None,
) -> ProjectedTexture:
    """The mesh with what the views show.

    ``(sum_v w_v c_v + f c_spread) / (sum_v w_v + f)``; ``c_spread`` is the same spread over the
    surface (`surface_fill`), so texels that are seen ill lean on their neighbours and unseen ones
    are their neighbours' colour.

    Args:
        mesh: from `placed_mesh.placed`, with texture coordinates.
        painted: the views.
        size: texels along each side.
        weights: how well views see points.
        supersample: samples along each side of a texel.
        kept: what stays of its texture; then ``size`` is that texture's.

    Raises:
        InputError: no view shows any of the surface.
    """
    texels = texels_of(mesh, size, supersample)
    fill = surface_fill(mesh)
    spread = spread_colours(mesh, fill, painted, weights, kept)
    colours, share = shown_colours(mesh, texels.positions, texels.normals, painted, weights)
    behind = fill.at(spread, texels.positions, texels.normals)
    colours = (share[:, None] * colours + FAINT * behind) / (share[:, None] + FAINT)
    textured = levelled(replace(mesh, texture=texture_from(texels, colours.clamp(0, 1))))
    seen = torch.zeros_like(texels.owned)
    seen[texels.owned] = texel_means(texels, share[:, None])[:, 0] >= SHOWN
    if kept is not None:
        assert textured.texture is not None
        textured = replace(textured, texture=kept.over(textured.texture))
    return ProjectedTexture(textured, seen, texels.owned)


def surface_fill(mesh: TriangleMesh) -> SurfaceFill:
    """Points all over a mesh with texture coordinates, between which colours spread."""
    texels = texels_of(mesh, NODES_PX)
    return SurfaceFill(texels.positions, texels.normals)


def spread_colours(
    mesh: TriangleMesh,
    fill: SurfaceFill,
    painted: Pictures,
    weights: ViewWeights,
    kept: KeptTexture | None,
) -> Float[Tensor, "n 3"]:
    """Colours of all points of ``fill``, from what views and the kept texture show."""
    colours, share = shown_colours(mesh, fill.positions, fill.normals, painted, weights)
    if kept is not None:
        known, certain = kept.known(mesh, fill.positions, fill.normals)
        stays = certain > 0
        colours = torch.where(stays[:, None], known, colours)
        share = torch.where(stays, 1.0, share)
    return fill.filled(colours, share.clamp(0, 1))
