"""The box around what a mask shows."""

import torch
from jaxtyping import Bool
from torch import Tensor


def mask_box(mask: Bool[Tensor, "h w"]) -> tuple[slice, slice]:
    """Rows and columns of the smallest box around what is set; something must be."""
    rows, columns = (torch.nonzero(mask.any(axis))[:, 0] for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
