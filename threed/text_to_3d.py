"""Text to 3-D: how the front of the thing is drawn; the rest is that of all lifted views."""

from typing import Literal

from threed.lifted_views import LiftedViews


class TextTo3D(LiftedViews):
    """A textured mesh for a prompt."""

    name: Literal["text_to_3d"] = "text_to_3d"
    front: Literal["auto", "together", "picture"] = "auto"
    """together draws the front with the other views; picture draws it first, without a view, as
    `image/text_to_image` does, and gives it to the others; auto draws things of the object kit
    together, and all else, which was never seen from behind, from a picture."""
