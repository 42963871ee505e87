"""The texels between charts: filled so that no mip level mixes charts that keep their distance.

Push-pull (Gortler, Grzeszczuk, Szeliski and Cohen 1996) on the blocks that mip levels average:
texels beside a chart take the mean of the chart texels around them, which is what lookups across
its border see; every other empty texel takes the mean of the smallest aligned block of 2, 4, 8, ...
texels a side that knows any. A block of ``2^l`` that holds texels of one chart alone holds its
colours alone, and charts ``2^l + 1`` texels apart never share such a block.
"""

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from common.errors import InputError


def filled(texture: Float[Tensor, "h w c"], owned: Bool[Tensor, "h w"]) -> Float[Tensor, "h w c"]:
    """The texture with every texel that is not ``owned`` filled; differentiable in those that are.

    Raises:
        InputError: no texel is owned.
    """
    if not bool(owned.any()):
        raise InputError("a texture without a texel that has a colour cannot be filled")
    known = rearrange(owned, "h w -> 1 1 h w").to(texture.dtype)
    colours = rearrange(texture, "h w c -> 1 c h w") * known
    around = functional.avg_pool2d(known, 3, 1, 1)
    beside = functional.avg_pool2d(colours, 3, 1, 1) / around.clamp_min(1e-12)
    colours = torch.where(known > 0, colours, beside * (around > 0))
    known = torch.where(around > 0, 1.0, known)
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
