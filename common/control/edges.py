"""Edges of a picture: Canny's thin lines, and soft ones as strong as the edge.

Both look at colour and at transparency, so that a white thing on nothing has an outline too.
"""

import math

import numpy as np
from jaxtyping import Bool, Float

CANNY_SIGMA_PX = 1.0
CANNY_LOW, CANNY_HIGH = 0.08, 0.2
"""Hysteresis on the length of Sobel's gradient of values in [0, 1]."""
SOFT_SIGMA_PX = 1.5
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Of sRGB primaries (Rec. 709), here on encoded values."""
_OUTLINE_PX = 2
"""Lines of the colour this near to the outline are the outline's own."""


def canny(picture: Float[np.ndarray, "h w c"]) -> Bool[np.ndarray, "h w"]:
    """Canny's edges (1986) of the luma within the thing, and of its outline.

    Args:
        picture: RGB, or premultiplied RGBA, in [0, 1].
    """
    from scipy import ndimage
    from skimage import feature

    luma = picture[..., :3] @ _LUMA.astype(picture.dtype)
    if picture.shape[2] == 3:
        return np.asarray(feature.canny(luma, CANNY_SIGMA_PX, CANNY_LOW, CANNY_HIGH))
    alpha = picture[..., 3]
    visible = alpha > 0.5
    inside = ndimage.binary_erosion(visible, iterations=_OUTLINE_PX, border_value=1)
    lines = feature.canny(luma, CANNY_SIGMA_PX, CANNY_LOW, CANNY_HIGH)
    outline = feature.canny(alpha, CANNY_SIGMA_PX, CANNY_LOW, CANNY_HIGH)
    return np.asarray((lines & inside) | outline)


def soft_edges(picture: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w"]:
    """The steepest slope of any channel, smoothed by a Gaussian; a straight unit step gives 1.

    ``max_c |grad (G_sigma * I_c)| sigma sqrt(2 pi)``, at most 1.

    Args:
        picture: RGB, or premultiplied RGBA, in [0, 1].
    """
    from scipy import ndimage

    slopes = [
        ndimage.gaussian_gradient_magnitude(
            np.ascontiguousarray(picture[..., channel]), SOFT_SIGMA_PX, mode="nearest"
        )
        for channel in range(picture.shape[2])
    ]
    gain = SOFT_SIGMA_PX * math.sqrt(2 * math.pi)
    return np.minimum(np.max(slopes, axis=0) * gain, 1.0).astype(np.float32)
