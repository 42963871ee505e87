"""Text to image: the size of the picture."""

from typing import Literal

from pydantic import Field

from common.config import Config


class TextToImage(Config):
    """A picture for a prompt."""

    name: Literal["text_to_image"] = "text_to_image"
    height: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels."""
    width: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width
