"""Pictures and their cameras at another size."""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras


def size_within(cameras: Cameras, longest_px: int) -> tuple[int, int]:
    """Height and width of the same proportion whose longer one is at most so many pixels."""
    height, width = cameras.height, cameras.width
    scale = min(longest_px / max(height, width), 1.0)
    return max(round(height * scale), 1), max(round(width * scale), 1)


def resized_cameras(cameras: Cameras, size: tuple[int, int]) -> Cameras:
    """The same views with pictures of another height and width."""
    height, width = size
    scale = cameras.intrinsics.new_tensor([width / cameras.width, height / cameras.height, 1.0])
    return Cameras(cameras.w2c, cameras.intrinsics * scale[:, None], height, width)


def resized_picture(
    rgba: Float[Tensor, "h w 4"], size: tuple[int, int]
) -> Float[Tensor, "height width 4"]:
    """A smaller picture by means over areas; premultiplied, so edges keep their colour."""
    if rgba.shape[:2] == size:
        return rgba
    small = functional.interpolate(rearrange(rgba, "h w c -> 1 c h w"), size, mode="area")
    return rearrange(small, "1 c h w -> h w c")


def resized_pictures(
    rgba: Float[Tensor, "v h w 4"], size: tuple[int, int]
) -> Float[Tensor, "v height width 4"]:
    """Each of several pictures smaller."""
    return torch.stack([resized_picture(one, size) for one in rgba])
