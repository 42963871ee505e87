"""Image to image: a given picture drawn again, as far from it as the strength says."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.config import Config
from common.generation.view_config import ViewConfig
from common.media.fitting import Fit


class ImageToImage(Config):
    """A picture from a picture and a prompt."""

    name: Literal["image_to_image"] = "image_to_image"
    input: Path
    """The picture: PNG, JPEG, WebP, BMP, TIFF or GIF."""
    strength: float = Field(0.6, gt=0, le=1)
    """Share of the sampler's steps that are taken, rounded down: 1 keeps nothing of the picture."""
    height: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels."""
    width: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels."""
    fit: Fit = "contain"
    """How a picture of another shape is brought to this size: contain (room around it), cover (cut
    at two sides) or stretch."""
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour behind transparent pixels, for priors that draw no transparency."""
    view: ViewConfig | None = None
    """From where it is seen, for priors that know views (embedded); null leaves it to the prior."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width
