"""Text to image: the size of the picture, and from where it is seen."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from common.config import Config

if TYPE_CHECKING:
    from common.embedded.image_unet import View


class ViewConfig(Config):
    """Where the camera stands."""

    azimuth_deg: float = Field(0.0, ge=-360, le=360)
    """Degrees around the object: 0 looks at its front, 90 at its left side."""
    elevation_deg: float = Field(12.0, ge=-90, le=90)
    """Degrees above it; 12 is that of a pictogram."""


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

    @property
    def camera(self) -> "View | None":
        """The view as priors take it."""
        from common.embedded.image_unet import View

        return View(self.view.azimuth_deg, self.view.elevation_deg) if self.view else None
