"""How many sides of a thing look like its front: one is right, more is Janus."""

import torch
from jaxtyping import Float

from common.judging.azimuth import RIGHT_WITHIN_DEG, degrees_apart


def num_fronts(azimuths_deg: Float[torch.Tensor, " v"]) -> int:
    """Sides that are seen as the front, within `RIGHT_WITHIN_DEG`.

    Args:
        azimuths_deg: from where each picture seems to be taken, as `common.judging.judging.look`
            says; the pictures go evenly round the thing, eight or fewer, so that one can be right.
    """
    off = degrees_apart(azimuths_deg, torch.zeros_like(azimuths_deg))
    return int((off <= RIGHT_WITHIN_DEG).sum())
