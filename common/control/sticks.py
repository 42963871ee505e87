"""Lines and dots of skeletons: ellipses that are filled, the way OpenPose draws them."""

import math

import numpy as np
from jaxtyping import Float


def draw_stick(
    canvas: Float[np.ndarray, "h w 3"],
    start: Float[np.ndarray, " 2"],
    end: Float[np.ndarray, " 2"],
    thick: float,
    colour: np.ndarray,
) -> None:
    """Fill the ellipse whose long axis goes from one joint to the other; a disk for one joint.

    Args:
        canvas: that is drawn on.
        start: x and y, pixels; NaN where there is no joint, and then nothing is drawn.
        end: alike.
        thick: half of the short axis, or the disk's radius.
        colour: as the canvas has them.
    """
    if np.isnan(start).any() or np.isnan(end).any():
        return
    middle, along = (start + end) / 2, end - start
    half = max(float(np.hypot(*along)) / 2, thick)
    angle = math.atan2(along[1], along[0])
    height, width = canvas.shape[:2]
    low = np.clip(np.floor(middle - half - 1), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(middle + half + 1), 0, (width, height)).astype(int)
    y, x = np.mgrid[low[1] : high[1], low[0] : high[0]] + 0.5
    x, y = x - middle[0], y - middle[1]
    u = (x * math.cos(angle) + y * math.sin(angle)) / half
    v = (y * math.cos(angle) - x * math.sin(angle)) / thick
    canvas[low[1] : high[1], low[0] : high[0]][u * u + v * v <= 1] = colour
