"""The picture that a method of the image app is given, as the prior takes it."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.generation.given_pixels import laid_out, mask_of
from common.image.image_to_image import ImageToImage
from common.image.inpaint import Inpaint, Outpaint
from common.image.text_to_image import TextToImage
from common.media.fitting import Placement, placed, placement
from common.media.images import read_picture
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
            picture, mask = read_picture(method.input), mask_of(read_picture(method.mask))
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


def _image(
    picture: Picture, place: Placement, method: ImageToImage | Inpaint | Outpaint, channels: int
) -> Float[Tensor, "d y x"]:
    return laid_out(picture, place, method.size, channels, method.background)


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
