"""Inpaint and outpaint: part of a picture drawn anew, the rest left as it is to the byte."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from common.generation.view_config import ViewConfig
from common.media.fitting import Fit


class Inpaint(Config):
    """A picture whose masked part is drawn anew."""

    name: Literal["inpaint"] = "inpaint"
    input: Path
    """The picture: PNG, JPEG, WebP, BMP, TIFF or GIF."""
    mask: Path
    """A picture of the same size, white where the input is drawn anew. Its brightness counts, or
    its opacity where it is transparent anywhere."""
    strength: float = Field(1.0, gt=0, le=1)
    """Share of the sampler's steps that are taken, rounded down: 1 keeps nothing under the mask."""
    feather_px: int = Field(6, ge=0, le=256)
    """Pixels inside the mask over which the new picture fades in, of the picture that is drawn."""
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


class Outpaint(Config):
    """A picture with room around it, which is drawn."""

    name: Literal["outpaint"] = "outpaint"
    input: Path
    """The picture: PNG, JPEG, WebP, BMP, TIFF or GIF."""
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
    height: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels of the whole picture."""
    width: int = Field(64, ge=8, le=4096, multiple_of=8)
    """Pixels of the whole picture."""
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour behind transparent pixels, for priors that draw no transparency."""
    view: ViewConfig | None = None
    """From where it is seen, for priors that know views (embedded); null leaves it to the prior."""

    @model_validator(mode="after")
    def _has_room(self) -> "Outpaint":
        if not self.left + self.right + self.top + self.bottom > 0:
            raise ValueError("outpaint needs room: set left, right, top or bottom above 0")
        return self

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width
