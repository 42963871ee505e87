"""Inpaint and outpaint: part of a picture drawn anew, the rest left as it is to the byte."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from common.image.from_picture import FromPicture
from common.media.fitting import Fit


class Inpaint(FromPicture):
    """A picture whose masked part is drawn anew."""

    name: Literal["inpaint"] = "inpaint"
    mask: Path
    """A picture of the same size, white where the input is drawn anew. Its brightness counts, or
    its opacity where it is transparent anywhere."""
    strength: float = Field(1.0, gt=0, le=1)
    """Share of the sampler's steps that are taken, rounded down: 1 keeps nothing under the mask."""
    feather_px: int = Field(6, ge=0, le=256)
    """Pixels inside the mask over which the new picture fades in, of the picture that is drawn."""
    fit: Fit = "contain"
    """How a picture of another shape is brought to this size: contain (room around it), cover (cut
    at two sides) or stretch."""


class Outpaint(FromPicture):
    """A picture with room around it, which is drawn; what the canvas has too much is room too."""

    name: Literal["outpaint"] = "outpaint"
    left: float = Field(0.0, ge=0, le=4)
    """Room to the left, in widths of the input."""
    right: float = Field(0.0, ge=0, le=4)
    """Room to the right, in widths of the input."""
    top: float = Field(0.0, ge=0, le=4)
    """Room above, in heights of the input."""
    bottom: float = Field(0.0, ge=0, le=4)
    """Room below, in heights of the input."""
    feather_px: int = Field(6, ge=0, le=256)
    """Pixels outside the input over which the new picture fades in, of the picture drawn."""

    @model_validator(mode="after")
    def _has_room(self) -> "Outpaint":
        if not self.left + self.right + self.top + self.bottom > 0:
            raise ValueError("outpaint needs room: set left, right, top or bottom above 0")
        return self
