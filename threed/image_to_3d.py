"""Image to 3-D: a cut-out picture is the front view; the prior draws the others."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.diffusion.guidance_config import CFG, Guidance
from threed.lifted_views import LiftedViews


class LiftedPicture(LiftedViews):
    """The keys of lifting a picture, whichever it is."""

    name: Literal["image_to_3d"] = "image_to_3d"
    guidance: Guidance = CFG(guidance_scale=2.0)
    """How strongly the views follow prompt and picture: less than where there is a prompt alone."""
    front_weight: int = Field(4, ge=1, le=100)
    """The fit of the scene looks at the picture as often as at so many other views."""
    detail_px: int = Field(512, ge=64, le=2048)
    """Pixels along the object's longer side that outline and texture follow, of larger pictures."""


class ImageTo3D(LiftedPicture):
    """A textured mesh of a picture with a transparent background, seen from the front."""

    input: Path
    """Picture with transparency around the object; it is scaled into the view."""
