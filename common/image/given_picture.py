"""The picture that a method of the image app is given, as the prior takes it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.image.image_to_image import ImageToImage
from common.image.inpaint import Inpaint, Outpaint
from common.image.text_to_image import TextToImage
from common.media.fitting import Placement, placed, placement
from common.media.images import read_picture
from common.media.pixels import from_picture, parse_color
from common.shapes import Picture

ImageMethod = TextToImage | ImageToImage | Inpaint | Outpaint

_HALF = 0.5


@dataclass(frozen=True, eq=False)
class GivenPicture:
    """A picture of the size that is drawn, and the part of it that is drawn anew."""

    image: Float[Tensor, "c h w"]
    """Premultiplied RGBA, or RGB, in [-1, 1]."""
    drawn: Float[Tensor, "h w"] | None
    """1 where pixels are drawn anew, 0 where they stay; None: image to image, none stays."""


def given_picture(method: ImageMethod, channels: int) -> GivenPicture | None:
    """Read what a method is given; None for text to image.

    Args:
        method: of the image app.
        channels: of the prior's pictures: 4 keeps transparency, 3 lays it on the background.

    Raises:
        InputError: unreadable files, a mask of another size or with nothing to draw or to keep.
    """
    match method:
        case TextToImage():
            return None
        case ImageToImage():
            picture = read_picture(method.input)
            place = placement(picture.shape[:2], method.size, method.fit)
            return GivenPicture(_image(picture, place, method, channels), None)
        case Inpaint():
            picture, mask = read_picture(method.input), _mask(method.mask)
            if mask.shape != picture.shape[:2]:
                raise InputError(
                    f"{method.mask} is {mask.shape[1]}x{mask.shape[0]} pixels, and the picture it "
                    f"is the mask of {picture.shape[1]}x{picture.shape[0]}; make them alike"
                )
            place = placement(picture.shape[:2], method.size, method.fit)
            # What lies beyond a contained picture is neither given nor asked for: it stays empty.
            shown = placed(torch.from_numpy(mask)[None], place, torch.zeros(1, *method.size))[0]
            drawn = (shown >= _HALF).float()
            _check_mask(method.mask, drawn)
            return GivenPicture(_image(picture, place, method, channels), drawn)
        case Outpaint():
            picture = read_picture(method.input)
            place = _with_room(picture, method)
            drawn = torch.ones(method.size)
            drawn[place.top : place.top + place.height, place.left : place.left + place.width] = 0
            return GivenPicture(_image(picture, place, method, channels), drawn)


def strength_of(method: ImageMethod) -> float:
    """Share of the sampler's steps that a method takes."""
    return method.strength if isinstance(method, ImageToImage | Inpaint) else 1.0


def feather_of(method: ImageMethod) -> int:
    """Pixels over which a method's new picture fades in."""
    return method.feather_px if isinstance(method, Inpaint | Outpaint) else 0


def faded(drawn: Float[Tensor, "h w"], feather_px: int) -> Float[Tensor, "h w"]:
    """The share of the new picture in each pixel: 0 where pixels stay, rising inside the mask.

    Linear in the distance to the nearest pixel that stays, 1 from ``feather_px`` on.
    """
    from scipy import ndimage

    if feather_px == 0 or bool((drawn > 0).all()):
        return drawn
    distance = torch.from_numpy(ndimage.distance_transform_edt(drawn.numpy() > 0)).float()
    return (distance / (feather_px + 1)).clamp(max=1)


def _image(
    picture: Picture, place: Placement, method: ImageToImage | Inpaint | Outpaint, channels: int
) -> Float[Tensor, "d y x"]:
    image = from_picture(picture)
    if image.shape[0] == 3 and channels == 4:
        image = torch.cat([image, torch.ones_like(image[:1])])
    behind = torch.tensor(parse_color(method.background)) / 127.5 - 1
    if image.shape[0] == 4 and channels == 3:
        alpha = (image[3:] + 1) / 2
        image = image[:3] + (1 - alpha) * (1 + rearrange(behind, "c -> c 1 1"))
    canvas = torch.full((channels, *method.size), -1.0)
    if channels == 3:
        canvas = rearrange(behind, "c -> c 1 1").expand(3, *method.size)
    return placed(image, place, canvas)


def _mask(path: Path) -> Float[np.ndarray, "h w"]:
    """In [0, 1]: opacity if the picture has any transparency, else brightness."""
    picture = read_picture(path).astype(np.float32) / 255
    if picture.shape[2] == 4 and picture[..., 3].min() < 1:
        return np.ascontiguousarray(picture[..., 3])
    return picture[..., :3].mean(-1)


def _check_mask(path: Path, drawn: Float[Tensor, "h w"]) -> None:
    if not bool((drawn > 0).any()):
        raise InputError(f"{path}: nothing is white in it, so that nothing would be drawn")


def _with_room(picture: Picture, method: Outpaint) -> Placement:
    """Where the input lies on the canvas: it fills what the room leaves, in its own proportions."""
    height, width = picture.shape[:2]
    whole = (1 + method.top + method.bottom) * height, (1 + method.left + method.right) * width
    scale = min(method.height / whole[0], method.width / whole[1])
    scaled = max(round(height * scale), 1), max(round(width * scale), 1)
    spare = method.height - whole[0] * scale, method.width - whole[1] * scale
    return Placement(
        *scaled,
        min(round(method.top * height * scale + spare[0] / 2), method.height - scaled[0]),
        min(round(method.left * width * scale + spare[1] / 2), method.width - scaled[1]),
    )
