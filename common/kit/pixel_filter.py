"""How a pixel weighs the picture around it.

A pixel that averages only its own square (a box filter) lets detail finer than the grid through as
jagged edges, which crawl when the object moves. Renderers use wider, smoother filters (a Gaussian
of half a pixel, a Blackman-Harris window of 1.5 pixels); here the box of the supersampled picture
is followed by the binomial-like taps (1, 6, 1)/8 in each direction, whose deviation is half a pixel.
"""

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

TAPS = (0.125, 0.75, 0.125)


def pixel_filtered(rgba: Float[Tensor, "v h w c"]) -> Float[Tensor, "v h w c"]:
    """Premultiplied pictures with each pixel mixed with its eight neighbours; empty outside."""
    taps = rgba.new_tensor(TAPS)
    kernel = (taps[:, None] * taps).expand(rgba.shape[-1], 1, 3, 3)
    planes = rearrange(rgba, "v h w c -> v c h w")
    mixed = F.conv2d(planes, kernel, padding=1, groups=rgba.shape[-1])
    return rearrange(mixed, "v c h w -> v h w c")
