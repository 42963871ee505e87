"""Image to 3-D: a cut-out picture is the front view; the prior draws the others."""

from pathlib import Path
from typing import Literal

from threed.lifted_views import LiftedViews


class ImageTo3D(LiftedViews):
    """A textured mesh of a picture with a transparent background, seen from the front."""

    name: Literal["image_to_3d"] = "image_to_3d"
    input: Path
    """Picture with transparency around the object; it is scaled into the view."""
