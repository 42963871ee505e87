"""Making the picture to follow from a picture or a frame that is given."""

from typing import Literal, assert_never

import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.control.edges import canny, soft_edges
from common.control.estimated_maps import GeometryMaps, estimated_maps
from common.errors import InputError

PicturePreprocessor = Literal["none", "canny", "soft_edge", "silhouette", "depth", "normals"]
"""``none`` takes the picture as it is; the others make edges, a white region, or maps of it."""

Preprocessor = Literal[PicturePreprocessor, "pose"]
"""``pose`` draws skeletons of the keypoints of a JSON file (`pose`)."""


def preprocessed(
    image: Float[Tensor, "c h w"], preprocessor: PicturePreprocessor
) -> Float[Tensor, "3 h w"]:
    """What to follow, in [0, 1].

    Args:
        image: RGB, or premultiplied RGBA, in [0, 1]; transparency becomes black.
        preprocessor: what to make of it.

    Raises:
        InputError: the silhouette, depth or normals of a picture without transparency.
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
        case "depth":
            return repeat(_estimated(image, "depth").depth, "h w -> c h w", c=3)
        case "normals":
            return _estimated(image, "normals").normals
        case _:
            assert_never(preprocessor)
    return repeat(torch.from_numpy(made), "h w -> c h w", c=3)


def _silhouette(pixels: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w"]:
    if not _cut_out(pixels):
        raise InputError(
            "a silhouette is where a picture is not transparent, and this one has no transparent "
            "pixels: cut the thing out, or give the region in white on black with preprocessor none"
        )
    return (pixels[..., 3] > 0.5).astype(np.float32)


def _cut_out(pixels: Float[np.ndarray, "h w c"]) -> bool:
    return pixels.shape[2] == 4 and float(pixels[..., 3].min()) <= 0.5


def _estimated(image: Float[Tensor, "c h w"], kind: Literal["depth", "normals"]) -> GeometryMaps:
    # Its weights are read only where maps are asked for.
    from common.zoo.geometry_estimator import load_geometry_estimator

    if not _cut_out(rearrange(image, "c h w -> h w c").numpy()):
        raise InputError(
            f"{kind} can be estimated of a thing that is cut out, and this picture has no "
            f"transparent pixels: cut the thing out, or give its map of {kind} with preprocessor "
            "none"
        )
    return estimated_maps(load_geometry_estimator(), [image])[0]
