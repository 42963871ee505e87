"""Making the picture to follow from a picture or a frame that is given."""

from typing import Literal, assert_never

import numpy as np
import torch
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.control.edges import canny, soft_edges
from common.control.estimated_maps import GeometryMaps, estimated_maps
from common.control.estimated_pose import estimated_poses
from common.control.thing_pose import thing_skeleton
from common.errors import InputError

Preprocessor = Literal["none", "canny", "soft_edge", "silhouette", "depth", "normals", "pose"]
"""``none`` takes the picture as it is; the others make edges, a white region, maps, or the skeleton
of a thing of it (`thing_pose`)."""


def preprocessed(
    image: Float[Tensor, "c h w"], preprocessor: Preprocessor
) -> Float[Tensor, "3 h w"]:
    """What to follow, in [0, 1].

    Args:
        image: RGB, or premultiplied RGBA, in [0, 1]; transparency becomes black.
        preprocessor: what to make of it.

    Raises:
        InputError: the silhouette, depth, normals or pose of a picture without transparency.
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
        case "pose":
            return _skeleton(image)
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

    _check_cut_out(image, kind)
    return estimated_maps(load_geometry_estimator(), [image])[0]


def _skeleton(image: Float[Tensor, "c h w"]) -> Float[Tensor, "3 h w"]:
    """Of the joints that the estimator is sure of."""
    from common.zoo.pose_estimator import load_pose_estimator

    _check_cut_out(image, "pose")
    found = estimated_poses(load_pose_estimator(), [image])[0]
    return thing_skeleton(found.sure(), (image.shape[1], image.shape[2]))


def _check_cut_out(
    image: Float[Tensor, "c h w"], kind: Literal["depth", "normals", "pose"]
) -> None:
    if not _cut_out(rearrange(image, "c h w -> h w c").numpy()):
        other = "a picture of its skeleton" if kind == "pose" else f"its map of {kind}"
        raise InputError(
            f"{kind} can be estimated of a thing that is cut out, and this picture has no "
            f"transparent pixels: cut the thing out, or give {other} with preprocessor none"
        )
