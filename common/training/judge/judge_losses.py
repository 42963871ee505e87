"""What the judge learns: true captions above false ones, and the azimuth of a render."""

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int8
from torch import Tensor

from common.training.judge.judge_truth import FALSE, TRUE

SHARPNESS = 33.0
"""Concentration of the von Mises distribution of an azimuth label: about 10 degrees wide."""

_NOTHING = -1e4
"""Score of what takes no part: far below every other, and finite, so that gradients are too."""


def truth_contrast(scores: Float[Tensor, "b t"], truth: Int8[Tensor, "b t"]) -> Float[Tensor, ""]:
    """Symmetric InfoNCE with several true captions a picture and several pictures a caption.

    For a true pair ``(i, j)`` the loss is the cross entropy of choosing ``j`` for ``i`` among ``j``
    and all captions that are false of ``i``::

        l_ij = log(1 + sum_{k false of i} exp(s_ik) / exp(s_ij))

    averaged over what is true of ``i``, then over the pictures; likewise over the pictures of a
    caption; and the mean of the two. With one true caption each, it is InfoNCE (van den Oord et al.
    2018); averaging outside of the logarithm is as in Khosla et al. 2020, eq. 2, but other true
    captions do not count as wrong. Unknown pairs take no part.

    Args:
        scores: similarity over temperature.
        truth: ``TRUE``, ``FALSE`` or ``UNKNOWN`` of each pair.
    """
    true, false = truth == TRUE, truth == FALSE
    return (_one_way(scores, true, false) + _one_way(scores.T, true.T, false.T)) / 2


def _one_way(
    scores: Float[Tensor, "b t"], true: Bool[Tensor, "b t"], false: Bool[Tensor, "b t"]
) -> Float[Tensor, ""]:
    """The mean over the rows that have something true."""
    against = scores.masked_fill(~false, _NOTHING).logsumexp(1, keepdim=True)
    losses = F.softplus(torch.where(true, against - scores, -torch.inf))
    count = true.sum(1)
    kept = count > 0
    return (losses.sum(1)[kept] / count[kept]).mean()


def azimuth_loss(
    logits: Float[Tensor, "b bins"], azimuths_deg: Float[Tensor, " b"]
) -> Float[Tensor, ""]:
    """Cross entropy of the azimuth with labels of a von Mises distribution about the true one."""
    labels = azimuth_labels(azimuths_deg, logits.shape[1])
    return -(labels * F.log_softmax(logits.float(), 1)).sum(1).mean()


def taught_azimuth_loss(
    logits: Float[Tensor, "b bins"], azimuths_deg: Float[Tensor, " b"]
) -> Float[Tensor, ""]:
    """`azimuth_loss` of the renders whose azimuth is not NaN; 0 if there are none."""
    taught = ~azimuths_deg.isnan()
    if not bool(taught.any()):
        return logits.sum() * 0.0
    return azimuth_loss(logits[taught], azimuths_deg[taught])


def azimuth_labels(azimuths_deg: Float[Tensor, " b"], num_bins: int) -> Float[Tensor, "b bins"]:
    """``p_i ~ exp(k cos(azimuth - i 360 / bins))`` with ``k = SHARPNESS``, rows summing to 1."""
    centres = torch.arange(num_bins, device=azimuths_deg.device) * (2 * math.pi / num_bins)
    apart = rearrange(torch.deg2rad(azimuths_deg), "b -> b 1") - centres
    return torch.softmax(SHARPNESS * torch.cos(apart), 1)
