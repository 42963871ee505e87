"""Convolutions of few places as one matrix product.

Deep in a U-Net features have a few places and many channels. There a CPU's convolution spends its
time on laying out weights and on rows of two or four places; with the neighbours of every place
gathered into a row (im2col), it is one product at full speed. The sums are the same.
"""

from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

_PLACES = 16
"""Of a picture, up to which a product is always the faster way; measured with 96 to 1280 channels
in float32 and bfloat16."""
_BYTES = 2
"""Of an element: in 32 bits the last bits stay those of diffusers, and little would be gained."""
_TAPS, _MARGIN = (3, 3), (1, 1)


def by_products(unet: nn.Module) -> None:
    """Let the 3 x 3 convolutions of a network be products where they see few places.

    So in 16 bits, where weights are laid out for it, channels last. Elsewhere, and where gradients
    are wanted, they are what they were.
    """
    for layer in unet.modules():
        if isinstance(layer, nn.Conv2d):
            if layer.weight.itemsize == _BYTES:
                layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
            if _fits(layer):
                layer.forward = partial(_convolved, layer)  # type: ignore[method-assign]


def _fits(layer: nn.Conv2d) -> bool:
    """Whether it is a 3 x 3 convolution that keeps the size, or halves it."""
    return (
        layer.kernel_size == _TAPS and layer.padding == _MARGIN and layer.dilation == (1, 1)
        and layer.groups == 1 and layer.padding_mode == "zeros"
    )  # fmt: skip


def _convolved(layer: nn.Conv2d, features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d y x"]:
    down, right = layer.stride
    height, width = (features.shape[2] - 1) // down + 1, (features.shape[3] - 1) // right + 1
    places = height * width
    few = places <= _PLACES or len(features) * places <= layer.out_channels
    here = features.device.type in ("cpu", "meta") and features.itemsize == _BYTES
    if not few or not here or torch.is_grad_enabled():
        return layer._conv_forward(features, layer.weight, layer.bias)
    padded = F.pad(rearrange(features, "b c h w -> b h w c"), (0, 0, 1, 1, 1, 1))
    windows = padded.unfold(1, _TAPS[0], down).unfold(2, _TAPS[1], right)
    rows = rearrange(windows, "b y x c i j -> (b y x) (i j c)")
    weight = rearrange(layer.weight, "d c i j -> d (i j c)")  # no copy: channels are last
    made = F.linear(rows, weight, layer.bias)
    return rearrange(made, "(b y x) d -> b d y x", y=height, x=width)
