"""True colours of a scene of latents: what the prior's decoder makes of its renders.

Renders are laid on the latents of an empty picture, as in every step of the distillation, and
decoded one at a time without gradients. What was behind them is taken off again, so that they are
pictures with alpha, which the mesh's texture is made of. Where no picture shows the surface the
field's own colours count, which a linear map makes of its latents: decoders are nearly linear
(Latent-NeRF, arXiv 2211.07600, section 3.2: a layer that makes three colours of four latents). The
map is fitted by least squares to the decoded pictures,

    min_A sum_p o_p |A (z_p, 1) - c_p|^2

of latents ``z``, opacities ``o`` and mean colours ``c`` of the picture where a latent is.
"""

from dataclasses import replace

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras
from threed.distillation.view_prior import ViewPrior
from threed.optimise.latent_backdrop import latent_backdrop
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField, raw_of_colour
from threed.texturing.bake import Pictures
from threed.texturing.picture_size import resized_cameras

_GREY = 0.5
"""Behind renders that are decoded by a prior without alpha."""
_FAINT = 0.01
"""Least alpha of a decoded picture whose colour is told apart from black."""
_RIDGE = 1e-6
"""Of the mean square of the latents, for renders that show too little for a map."""


@torch.no_grad()
def decoded_colours(
    field: VoxelField, cameras: Cameras, prior: ViewPrior
) -> tuple[VoxelField, Pictures]:
    """The field with colours in place of latents, and pictures of it.

    Args:
        field: of latents.
        cameras: of the pictures, square and of the size that the prior is for.
        prior: whose latents they are.
    """
    backdrop = latent_backdrop(prior, cameras.height)
    grey = None if prior.spec.image_channels == 4 else torch.tensor(_GREY)
    opacity = render(field, cameras).opacity
    seen = render(field, resized_cameras(cameras, (backdrop.side, backdrop.side)))
    latents = backdrop.behind(seen, grey)
    decoded = torch.cat([prior.decode(one) for one in latents.split(1, dim=2)], 2)
    pictures = rearrange(decoded, "1 c v h w -> v h w c").clamp(-1, 1) / 2 + 0.5
    if grey is None:
        straight = pictures[..., :3] / pictures[..., 3:].clamp_min(_FAINT)
        rgb = straight.clamp(0, 1) * opacity[..., None]
    else:
        behind = (1 - opacity[..., None]) * grey
        rgb = torch.minimum((pictures - behind).clamp_min(0), opacity[..., None])
    shown = Pictures(torch.cat([rgb, opacity[..., None]], -1), cameras)
    told = rearrange(latents, "1 c v h w -> v h w c")
    colours = colours_of_latents(field.colour, told, pictures[..., :3], seen.opacity)
    return replace(field, colour=raw_of_colour(colours), latent=False), shown


def colours_of_latents(
    latents: Float[Tensor, "*nodes c"],
    seen: Float[Tensor, "v h w c"],
    pictures: Float[Tensor, "v height width 3"],
    weights: Float[Tensor, "v h w"],
) -> Float[Tensor, "*nodes 3"]:
    """Latents made colours in [0, 1] by the linear map that fits pictures and their latents best.

    Args:
        latents: to be mapped.
        seen: latents of the pictures.
        pictures: sRGB-encoded, in [0, 1], a whole number of times as large.
        weights: how much a latent counts in the fit.
    """
    small = functional.adaptive_avg_pool2d(
        rearrange(pictures, "v h w c -> v c h w"), (seen.shape[1], seen.shape[2])
    )
    wanted = rearrange(small, "v c h w -> (v h w) c").double()
    given = _with_one(rearrange(seen, "v h w c -> (v h w) c").double())
    worth = rearrange(weights, "v h w -> (v h w) 1").double()
    gram = given.T @ (worth * given)
    ridge = _RIDGE * gram.diagonal().mean().clamp_min(1e-12) * torch.eye(len(gram)).to(gram)
    linear = torch.linalg.solve(gram + ridge, given.T @ (worth * wanted))
    return (_with_one(latents.double()) @ linear).clamp(0, 1).to(latents)


def _with_one(rows: Float[Tensor, "*rows c"]) -> Float[Tensor, "*rows d"]:
    return torch.cat([rows, rows.new_ones(*rows.shape[:-1], 1)], -1)
