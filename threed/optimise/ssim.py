"""Structural similarity of pictures, differentiable (Wang et al. 2004, with their constants).

The window is the Gaussian of 11 x 11 pixels and deviation 1.5, zero beyond the edge, as in the loss
of INRIA's splatting code. Compiled and with the gradient in closed form, because the graph of a
dozen small convolutions would take longer than drawing the picture.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

C1, C2 = 0.01**2, 0.03**2


def ssim(
    pictures: Float[Tensor, "v h w c"], wanted: Float[Tensor, "v h w c"]
) -> Float[Tensor, "v h w c"]:
    """At every pixel and channel, in [-1, 1]; differentiable in ``pictures``.

    ``(2 m_x m_y + C1) (2 s_xy + C2) / ((m_x^2 + m_y^2 + C1) (s_xx + s_yy + C2))`` with the means,
    variances and covariance under the window; equation 13 of the paper for values in [0, 1].
    """
    return _Ssim.apply(pictures, wanted)


class _Ssim(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, pictures: Tensor, wanted: Tensor) -> Tensor:
        x, y = pictures.detach().contiguous(), wanted.detach().contiguous()
        mx, my, xx, yy, xy = _blurred(torch.stack([x, y, x * x, y * y, x * y]))
        above = 2 * (xy - mx * my) + C2
        below = xx - mx * mx + yy - my * my + C2
        light, dark = 2 * mx * my + C1, mx * mx + my * my + C1
        found = light * above / (dark * below)
        ctx.save_for_backward(x, y, mx, my, above, below, light, dark, found)
        return found

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, y, mx, my, above, below, light, dark, found = ctx.saved_tensors
        both = 2 / (dark * below)
        mean = both * my * (above - light) + 2 * mx * found * (1 / below - 1 / dark)
        planes = torch.stack([grad * mean, -grad * found / below, grad * both * light])
        by_mean, by_square, by_product = _blurred(planes)
        return by_mean + 2 * x * by_square + y * by_product, None


def _blurred(planes: Tensor) -> Tensor:
    """Planes ``m v h w c`` under the window."""
    from common.raster.threads import run_blocks
    from threed.optimise.ssim_kernels import blur_planes, window

    kinds, views, height, width, channels = planes.shape
    rows = planes.view(kinds * views, height, width * channels).numpy()
    out = torch.empty_like(planes)
    target = out.view(kinds * views, height, width * channels).numpy()
    run_blocks(blur_planes, len(rows), 1, rows, channels, window(rows.dtype), target)
    return out
