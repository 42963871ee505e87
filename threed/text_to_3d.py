"""Text to 3-D: how the front of the thing is drawn; the rest is that of all lifted views."""

from typing import Literal

from pydantic import Field

from threed.lifted_views import LiftedViews


class TextTo3D(LiftedViews):
    """A textured mesh for a prompt."""

    name: Literal["text_to_3d"] = "text_to_3d"
    front: Literal["auto", "together", "picture"] = "auto"
    """together draws the front with the other views; picture draws it first, without a view, as
    `image/text_to_image` does, and gives it to the others; auto draws things of the object kit
    together, and all else, which was never seen from behind, from a picture."""
    num_fronts: int = Field(8, ge=1, le=64)
    """Fronts that are drawn as pictures; the one that fits the prompt best goes on."""
    num_view_sets: int = Field(1, ge=1, le=16)
    """Sets of views that are drawn where the front is drawn with them; the one whose front fits
    the prompt best goes on. One by default: of kit things the choice was no better than chance."""

    @property
    def chooses(self) -> bool:
        """Whether there may be something to choose from."""
        return max(self.num_fronts, self.num_view_sets) > 1
