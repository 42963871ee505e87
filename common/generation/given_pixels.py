"""Given pixels as a prior takes them, and what of them stays in what is drawn."""

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.media.fitting import Placement, placed
from common.media.pixels import from_picture, parse_color
from common.shapes import Picture


def laid_out(
    picture: Picture, place: Placement, size: tuple[int, int], channels: int, background: str
) -> Float[Tensor, "d y x"]:
    """A picture on a canvas of ``size``, in [-1, 1], with as many channels as the prior draws.

    Args:
        picture: straight RGBA, or RGB.
        place: where it lies on the canvas.
        size: height and width of the canvas.
        channels: 4 keeps transparency (premultiplied), 3 lays it on the background.
        background: colour behind transparent pixels and beside the picture, of RGB canvases.
    """
    image = from_picture(picture)
    if image.shape[0] == 3 and channels == 4:
        image = torch.cat([image, torch.ones_like(image[:1])])
    behind = torch.tensor(parse_color(background)) / 127.5 - 1
    if image.shape[0] == 4 and channels == 3:
        alpha = (image[3:] + 1) / 2
        image = image[:3] + (1 - alpha) * (1 + rearrange(behind, "c -> c 1 1"))
    canvas = torch.full((channels, *size), -1.0)
    if channels == 3:
        canvas = rearrange(behind, "c -> c 1 1").expand(3, *size)
    return placed(image, place, canvas)


def mask_of(picture: Picture) -> Float[np.ndarray, "h w"]:
    """A mask in [0, 1]: opacity if the picture has any transparency, else brightness."""
    values = picture.astype(np.float32) / 255
    if values.shape[2] == 4 and values[..., 3].min() < 1:
        return np.ascontiguousarray(values[..., 3])
    return np.asarray(values[..., :3].mean(-1))


def faded(drawn: Float[Tensor, "h w"], feather_px: int) -> Float[Tensor, "h w"]:
    """The share of the new picture in each pixel: 0 where pixels stay, rising inside the mask.

    Linear in the distance to the nearest pixel that stays, 1 from ``feather_px`` on.
    """
    from scipy import ndimage

    if feather_px == 0 or bool((drawn > 0).all()):
        return drawn
    distance = torch.from_numpy(ndimage.distance_transform_edt(drawn.numpy() > 0)).float()
    return (distance / (feather_px + 1)).clamp(max=1)


def with_kept(
    image: Float[Tensor, "c h w"],
    given: Float[Tensor, "c h w"],
    drawn: Float[Tensor, "h w"],
    feather_px: int,
) -> Float[Tensor, "c h w"]:
    """The new picture where it was asked for, fading into the given one inside the mask.

    Premultiplied colours are mixed after clamping, so that pixels outside the mask stay the given
    ones to the byte.
    """
    return torch.lerp(given, image.cpu().float().clamp(-1, 1), faded(drawn, feather_px))
