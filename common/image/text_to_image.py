"""Text to image: the size of the picture, and from where it is seen."""

from typing import Literal

from pydantic import Field

from common.config import Config
from common.generation.view_config import ViewConfig


class TextToImage(Config):
    """A picture for a prompt."""

    name: Literal["text_to_image"] = "text_to_image"
    height: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels."""
    width: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels."""
    view: ViewConfig | None = None
    """From where it is seen, for priors that know views (embedded); null leaves it to the prior."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width
