"""The cameras that the embedded view layers know: one sphere, one lens, for every object.

Pictures of one object are only consistent if they are on one scale. So these cameras look at the
origin from a fixed distance with a fixed lens: an object whose longest side is a metre is inside
the picture from everywhere, and a longer picture means a longer object.
"""

import math
from collections.abc import Sequence

from common.cameras import Cameras, orbit_cameras
from common.embedded.image_unet import View

FOVY_DEG = 25.0
"""The lens of the pictograms' front view."""
HALF_EXTENT_M = 0.85
"""Half the height of what is seen at the origin's distance."""
DISTANCE_M = HALF_EXTENT_M / math.tan(math.radians(FOVY_DEG / 2))


def cameras_on_orbit(views: Sequence[View], size_px: int) -> Cameras:
    """Square cameras that look at the origin from these directions."""
    return orbit_cameras(
        [view.azimuth_deg for view in views], [view.elevation_deg for view in views],
        DISTANCE_M, FOVY_DEG, size_px, size_px,
    )  # fmt: skip
