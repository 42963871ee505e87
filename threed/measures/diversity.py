"""How much things differ that were made for one prompt from several seeds."""

import torch.nn.functional as F
from einops import einsum
from jaxtyping import Float
from torch import Tensor


def diversity(features: Float[Tensor, "n v d"]) -> float:
    """Mean over pairs of things, and over sides, of one minus the cosine of features.

    0 where all are alike; things without anything in common have 1.

    Args:
        features: of ``n`` things, at least two, each seen from the same ``v`` sides.

    Raises:
        ValueError: fewer than two things.
    """
    count = len(features)
    if count < 2:
        raise ValueError(f"diversity is told between things: give at least 2, not {count}")
    unit = F.normalize(features.double(), dim=2)
    cosines = einsum(unit, unit, "n v d, m v d -> v n m")
    between = cosines.sum((1, 2)) - cosines.diagonal(dim1=1, dim2=2).sum(1)
    return float((1 - between / (count * (count - 1))).mean())
