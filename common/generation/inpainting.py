"""Priors that are told the mask of what is drawn anew, and what is then given to samples."""

from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.given import Given
from common.diffusion.masked_picture import TakesMasks, masked_picture
from common.diffusion.prior import Prior


@torch.inference_mode()
def told_of_mask(
    prior: Prior[Any],
    pictures: Float[Tensor, "c *f h w"],
    drawn: Float[Tensor, "*f h w"] | None,
    given: Given,
) -> tuple[Prior[Any], Given]:
    """A prior for inpainting told its mask; others have what stays put in place at every step.

    Args:
        prior: of the run.
        pictures: that are given, in [-1, 1].
        drawn: 1 where pixels are drawn anew.
        given: the same as latents.

    Returns:
        The prior, and what samples begin with: a prior that sees what stays draws all latents.
    """
    if drawn is None or not isinstance(prior, TakesMasks) or not prior.takes_mask:
        return prior, given
    told = prior.inpainting(masked_picture(prior, pictures, drawn))
    return told, replace(given, drawn=None)
