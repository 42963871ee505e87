"""Where a given picture of a front is among the prior's cameras: moved and scaled, no more.

The prior knows one sphere of cameras and things whose longest side is a metre. A picture is put
before the front one of them so that the object's longer side is a metre at the origin's distance.
Seen the other way round, that is a camera for the picture's own pixels.
"""

import math
from dataclasses import dataclass

import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.embedded.image_unet import FRONT
from common.embedded.orbit import HALF_EXTENT_M, cameras_on_orbit
from common.errors import InputError
from threed.texturing.bake import Pictures
from threed.texturing.picture_size import resized_cameras, resized_pictures

OBJECT_M = 1.0
"""The longest side of things on the orbit that the prior knows."""
VIEW_M = 2 * HALF_EXTENT_M
"""Height of what the orbit's cameras see at the origin's distance."""


@dataclass(frozen=True)
class FrontPlace:
    """Scale and middle of an object in its picture."""

    metres_per_px: float
    """At the origin's distance."""
    row: float
    """Of the middle of the object's box, in pixels from the picture's upper edge."""
    column: float
    """The same from its left edge."""


def front_place(picture: Float[Tensor, "4 h w"]) -> FrontPlace:
    """Scale and middle that make the object's longer side a metre.

    Args:
        picture: premultiplied, in [0, 1]; what is more than half opaque is the object.

    Raises:
        InputError: nothing is.
    """
    solid = picture[3] > 0.5
    rows, columns = solid.any(1).nonzero()[:, 0], solid.any(0).nonzero()[:, 0]
    if not len(rows):
        raise InputError("the front is empty: nothing of it is opaque; try another seed")
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    longest = max(bottom - top, right - left)
    return FrontPlace(OBJECT_M / longest, (top + bottom) / 2, (left + right) / 2)


def on_orbit(picture: Float[Tensor, "4 h w"], size_px: int) -> Float[Tensor, "4 s s"]:
    """The object scaled and moved to where the prior's cameras would see it, a metre long.

    Placed to parts of a pixel: views of all sizes show it at the same place.

    Args:
        picture: premultiplied, in [0, 1]; what is more than half opaque is the object.
        size_px: side of the view.
    """
    place = front_place(picture)
    scale = size_px / VIEW_M * place.metres_per_px
    height, width = picture.shape[1:]
    rows = _resampling(height, size_px, scale, place.row).to(picture)
    columns = _resampling(width, size_px, scale, place.column).to(picture)
    return einsum(rows, picture, columns, "i h, c h w, j w -> c i j").clamp(0, 1)


def front_camera(place: FrontPlace, height: int, width: int) -> Cameras:
    """The camera that took a picture of so many pixels: the orbit's, with a sensor of its own."""
    view = cameras_on_orbit([FRONT], 1)
    intrinsics = torch.eye(3)[None].clone()
    focal = view.intrinsics[:, 0, 0] / (place.metres_per_px / VIEW_M)
    intrinsics[:, 0, 0] = intrinsics[:, 1, 1] = focal
    intrinsics[:, 0, 2], intrinsics[:, 1, 2] = place.column, place.row
    return Cameras(view.w2c, intrinsics, height, width)


def front_pictures(picture: Float[Tensor, "4 h w"], longest_px: int) -> Pictures:
    """A picture with the camera that took it.

    Args:
        picture: premultiplied, in [0, 1].
        longest_px: the object's longer side has at most so many pixels; larger pictures shrink.
    """
    place = front_place(picture)
    camera = front_camera(place, *picture.shape[1:])
    rgba = picture.permute(1, 2, 0)[None].contiguous()
    shrunk = min(longest_px * place.metres_per_px / OBJECT_M, 1.0)
    if shrunk == 1.0:
        return Pictures(rgba, camera)
    size = (max(round(camera.height * shrunk), 1), max(round(camera.width * shrunk), 1))
    return Pictures(resized_pictures(rgba, size), resized_cameras(camera, size))


def _resampling(count: int, size_px: int, scale: float, middle: float) -> Float[Tensor, "s n"]:
    """Weights of ``count`` pixels in a row of ``size_px``, in whose middle ``middle`` comes to be.

    A triangle as wide as the larger pixel: bilinear, with antialiasing.
    """
    places = (torch.arange(size_px, dtype=torch.float64) + 0.5 - size_px / 2) / scale + middle
    reach = max(1.0, 1 / scale)
    # pixels beyond the picture are empty, and weigh
    first = min(math.floor(float(places[0]) - reach), 0)
    end = max(math.ceil(float(places[-1]) + reach), count)
    away = places[:, None] - (torch.arange(first, end, dtype=torch.float64) + 0.5)
    weights = (1 - away.abs() / reach).clamp_min(0)
    return (weights / weights.sum(1, keepdim=True))[:, -first : count - first]
