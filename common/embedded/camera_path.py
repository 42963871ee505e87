"""A camera's way around a thing that stands still: the views of a clip's frames.

View layers draw it. They were trained on views far apart, each with noise of its own; neighbouring
frames of a path show almost the same. What keeps them steady is noise that all frames have in
common (`common.embedded.shared_noise`): what the U-Net makes of it changes with the view alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from common.diffusion.frame_curves import FrameNumbers
from common.embedded.image_unet import View

NEIGHBOURS = 16
"""Frames that layers without an order draw together: more than the views of their training, but of
a path, where each is like the ones beside it."""
ELEVATIONS_DEG = (-10.0, 35.0)
"""From where the view layers have seen things."""


@dataclass(frozen=True)
class CameraPath:
    """Where each frame of a clip is seen from."""

    views: tuple[View, ...]
    """Azimuths are not wrapped: from 350 on to 370 degrees the camera passes the front."""
    shared_noise: float = 1.0
    """Share of the noise's variance that all frames have in common."""

    def of_frames(self, frames: FrameNumbers) -> "CameraPath":
        """The same for some of the frames."""
        return CameraPath(tuple(self.views[frame] for frame in frames.tolist()), self.shared_noise)


def path_notes(views: Sequence[View]) -> list[str]:
    """A note on views from where the layers have seen nothing."""
    low, high = ELEVATIONS_DEG
    outside = [v.elevation_deg for v in views if not low <= v.elevation_deg <= high]
    if not outside:
        return []
    return [
        f"the view layers were trained on elevations from {low:g} to {high:g} degrees; "
        f"{outside[0]:g} of the camera's path is outside"
    ]
