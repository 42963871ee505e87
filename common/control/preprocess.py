"""Making the picture to follow from a picture or a frame that is given."""

from typing import Literal, assert_never

import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.control.edges import canny, soft_edges
from common.errors import InputError

Preprocessor = Literal["none", "canny", "soft_edge", "silhouette"]
"""``none`` takes the picture as it is; the others make edges, or a white region, of it."""


def preprocessed(
    image: Float[Tensor, "c h w"], preprocessor: Preprocessor
) -> Float[Tensor, "3 h w"]:
    """What to follow, in [0, 1].

    Args:
        image: RGB, or premultiplied RGBA, in [0, 1]; transparency becomes black.
        preprocessor: what to make of it.

    Raises:
        InputError: the silhouette of a picture without transparency.
    """
    pixels = rearrange(image, "c h w -> h w c").numpy()
    match preprocessor:
        case "none":
            return image[:3]
        case "canny":
            made = canny(pixels).astype(np.float32)
        case "soft_edge":
            made = soft_edges(pixels)
        case "silhouette":
            made = _silhouette(pixels)
        case _:
            assert_never(preprocessor)
    return repeat(torch.from_numpy(made), "h w -> c h w", c=3)


def _silhouette(pixels: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w"]:
    if pixels.shape[2] != 4 or pixels[..., 3].min() > 0.5:
        raise InputError(
            "a silhouette is where a picture is not transparent, and this one has no transparent "
            "pixels: cut the thing out, or give the region in white on black with preprocessor none"
        )
    return (pixels[..., 3] > 0.5).astype(np.float32)
