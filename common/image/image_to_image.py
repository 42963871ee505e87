"""Image to image: a given picture drawn again, as far from it as the strength says."""

from typing import Literal

from pydantic import Field

from common.image.from_picture import FromPicture
from common.media.fitting import Fit


class ImageToImage(FromPicture):
    """A picture from a picture and a prompt."""

    name: Literal["image_to_image"] = "image_to_image"
    strength: float = Field(0.6, gt=0, le=1)
    """Share of the sampler's steps that are taken, rounded down: 1 keeps nothing of the picture."""
    fit: Fit = "contain"
    """How a picture of another shape is brought to this size: contain (room around it), cover (cut
    at two sides) or stretch."""
