"""What every method that begins with a picture is told."""

from pathlib import Path

from pydantic import Field

from common.config import Config
from common.generation.view_config import ViewConfig


class FromPicture(Config):
    """A given picture, and the size at which it is drawn again."""

    input: Path
    """The picture: PNG, JPEG, WebP, BMP, TIFF or GIF."""
    height: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels of what is drawn."""
    width: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels of what is drawn."""
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour behind transparent pixels, for priors that draw no transparency."""
    view: ViewConfig | None = None
    """From where it is seen, for priors that know views (embedded); null leaves it to the prior."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width
