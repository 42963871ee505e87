"""The keys of the image app."""

from typing import Annotated, Literal

from pydantic import Field

from common.config import BY_NAME, Config
from common.generation.config import GenerationConfig
from common.image.image_to_image import ImageToImage
from common.image.inpaint import Inpaint, Outpaint
from common.image.text_to_image import TextToImage

Method = Annotated[TextToImage | ImageToImage | Inpaint | Outpaint, BY_NAME]
"""What the image app can do, chosen by its ``name``."""

Format = Literal["png", "webp", "jpg"]


class PictureFiles(Config):
    """Which files are written."""

    formats: tuple[Format, ...] = Field(("png",), min_length=1, max_length=3)
    """png and webp keep transparency; jpg is laid over the background."""
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour behind transparent pixels, where the format has no transparency."""


class ImageExport(PictureFiles):
    """Which files are written, and how large the pictures in them are."""

    upscale: Literal[1, 2, 4] = 1
    """How many times larger than they are drawn the pictures become, by the embedded upscaler."""


class ImageConfig(GenerationConfig):
    """Makes pictures."""

    app: Literal["image"] = "image"
    method: Method = TextToImage()
    """What to do."""
    export: ImageExport = ImageExport()
    """Which files to write."""
