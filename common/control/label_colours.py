"""Regions as flat colours on black, as segmentation maps are given.

The colours tell regions apart and mean nothing by themselves: the union ControlNet sees them
shuffled in training, so any clearly different ones do.
"""

import colorsys

import numpy as np
from jaxtyping import Float, Integer

_HUES, _VALUES = 12, (1.0, 0.55)


def palette() -> Float[np.ndarray, "n 3"]:
    """White, then saturated colours from bright to dark, in [0, 1]."""
    rows = [(1.0, 1.0, 1.0)]
    for value in _VALUES:
        rows += [colorsys.hsv_to_rgb(hue / _HUES, 0.9, value) for hue in range(_HUES)]
    return np.array(rows, np.float32)


def label_colours(
    labels: Integer[np.ndarray, "h w"], colours: Float[np.ndarray, "n 3"]
) -> Float[np.ndarray, "h w 3"]:
    """Label 0 is black, label ``k`` colour ``k - 1``; they repeat when there are more labels."""
    black_first = np.concatenate([np.zeros((1, 3), np.float32), colours])
    rows = np.where(labels > 0, (labels.astype(np.int64) - 1) % len(colours) + 1, 0)
    return black_first[rows]
