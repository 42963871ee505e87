"""How closely a picture follows what it was to follow: its outline and its edges."""

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from common.control.edges import canny

TOLERANCE_PX = 2.0
"""How far edges may be apart and count as the same."""


def silhouette_iou(drawn: Float[Tensor, "4 h w"], followed: Float[Tensor, "4 h w"]) -> float:
    """Intersection over union of where two premultiplied pictures in [-1, 1] are half opaque."""
    here, there = drawn[3] > 0, followed[3] > 0
    union = int((here | there).sum())
    return int((here & there).sum()) / union if union else 1.0


def edge_f1(drawn: Float[Tensor, "4 h w"], followed: Float[Tensor, "4 h w"]) -> float:
    """F1 of Canny's edges of two premultiplied pictures in [-1, 1].

    Precision is the share of the drawn picture's edge pixels with one of the other's within
    `TOLERANCE_PX`, recall the share of the other's with one of the drawn picture's.
    """
    made, wanted = _edges(drawn), _edges(followed)
    if not made.any() or not wanted.any():
        return float(made.any() == wanted.any())
    precision, recall = _near(made, wanted), _near(wanted, made)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _edges(picture: Float[Tensor, "4 h w"]) -> Bool[np.ndarray, "h w"]:
    return canny(((picture.clamp(-1, 1) + 1) / 2).permute(1, 2, 0).contiguous().numpy())


def _near(some: Bool[np.ndarray, "h w"], others: Bool[np.ndarray, "h w"]) -> float:
    """The share of ``some`` that has one of ``others`` near."""
    from scipy import ndimage

    return float((ndimage.distance_transform_edt(~others)[some] <= TOLERANCE_PX).mean())
