"""From where things are seen, as pictures and clips take it."""

from typing import TYPE_CHECKING

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


def camera_of(view: ViewConfig | None) -> "View | None":
    """The view as priors take it."""
    from common.embedded.image_unet import View

    return View(view.azimuth_deg, view.elevation_deg) if view else None
