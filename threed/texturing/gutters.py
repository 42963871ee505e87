"""The texels between charts: filled so that no mip level mixes charts that keep their distance.

Push-pull (Gortler, Grzeszczuk, Szeliski and Cohen 1996) on the blocks that mip levels average:
texels within `REACH` of a chart repeat its nearest one, which is what lookups at its border see;
every other empty texel takes the mean of the smallest aligned block of 2, 4, 8, ... texels a side
that knows any. So a block of ``2^l`` that holds texels of a chart holds no other colours if all
others are ``2^l + REACH`` texels away.
"""

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from common.errors import InputError

REACH = 3
"""Texels about a chart, along rows, columns and diagonals, that repeat it."""


def filled(texture: Float[Tensor, "h w c"], owned: Bool[Tensor, "h w"]) -> Float[Tensor, "h w c"]:
    """The texture with every texel that is not ``owned`` filled; differentiable in those that are.

    Raises:
        InputError: no texel is owned.
    """
    from scipy import ndimage

    if not bool(owned.any()):
        raise InputError("a texture without a texel that has a colour cannot be filled")
    rows, columns = ndimage.distance_transform_cdt(
        ~owned.numpy(), "chessboard", return_distances=False, return_indices=True
    )
    beside = functional.max_pool2d(
        rearrange(owned, "h w -> 1 1 h w").to(texture.dtype), 2 * REACH + 1, 1, REACH
    )
    nearest = texture[torch.from_numpy(rows).long(), torch.from_numpy(columns).long()]
    known = (beside > 0).to(texture.dtype)
    colours = rearrange(nearest, "h w c -> 1 c h w") * known
    whole = _pulled_and_pushed(colours, known)
    return rearrange(whole, "1 c h w -> h w c")


def _pulled_and_pushed(colours: Tensor, known: Tensor) -> Tensor:
    """Means of known texels over ever larger blocks, handed down to those that know none.

    ``colours`` are 0 where nothing is known.
    """
    levels = []
    while not bool((known > 0).all()):
        levels.append((colours, known))
        size = (-known.shape[3] % 2, -known.shape[2] % 2)
        padded = [functional.pad(one, (0, size[0], 0, size[1])) for one in (colours, known)]
        total, share = (functional.avg_pool2d(one, 2) for one in padded)
        # masked, or gradients of nothing divided by almost nothing overflow
        colours = torch.where(share > 0, total / share.clamp_min(1e-12), 0.0)
        # a block counts as known with the weight of one texel: each level has its own mean
        known = (share > 0).to(known.dtype)
    for finer, known_there in reversed(levels):
        height, width = finer.shape[2:]
        handed = colours.repeat_interleave(2, 2).repeat_interleave(2, 3)[..., :height, :width]
        colours = torch.where(known_there > 0, finer, handed)
    return colours
