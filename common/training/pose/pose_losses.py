"""Losses of estimated poses: heat maps against blurred points, and which joints are there."""

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from common.embedded.pose_estimator import FOLD, cell_centres

BLUR_PX = 1.25 * FOLD
"""Standard deviation of a point in the maps that are aimed at."""


def heat_loss(
    heat: Float[Tensor, "b j y x"], places: Float[Tensor, "b j 2"], there: Bool[Tensor, "b j"]
) -> Float[Tensor, ""]:
    """Cross entropy of a map's shares to those of a blurred point; mean over what is there.

    Less what the blurred point costs against itself, so that the best is 0.
    """
    cells = cell_centres(*heat.shape[2:]).to(heat)
    away = ((cells - places[:, :, None]) ** 2).sum(-1)
    wanted = (-away / (2 * BLUR_PX**2)).softmax(-1)
    told = rearrange(heat, "b j y x -> b j (y x)").log_softmax(-1)
    cost = F.kl_div(told, wanted, reduction="none").sum(-1)
    return (cost * there).sum() / there.sum().clamp(min=1)


def presence_loss(presence: Float[Tensor, "b j"], there: Bool[Tensor, "b j"]) -> Float[Tensor, ""]:
    """Cross entropy of whether each joint can be seen."""
    return F.binary_cross_entropy_with_logits(presence, there.to(presence))
