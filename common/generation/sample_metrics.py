"""What can be said of a sample by the prior it was drawn from."""

import math
from typing import Any

from torch import Tensor

from common.diffusion.gaussian_metrics import gaussian_metrics
from common.diffusion.gaussian_prior import GaussianPrior

_LEAST = 1e-12
"""A sample on a mode's very mean has typicality 0, whose logarithm there is none."""


def sample_metrics(prior: Any, latents: Tensor, prompt: str) -> dict[str, float]:
    """Metrics of one sample ``(c, h, w)`` or ``(c, f, h, w)``; none without a density.

    ``atypicality`` is ``|ln typicality|``: 0 for a true sample, larger both for one that is too
    smooth and for one that is off. Density alone would prefer the smoothest.
    """
    match prior:
        case GaussianPrior():
            found = gaussian_metrics(prior, latents[None], prior.embed([prompt]))
            return {
                "nll_per_dim": float(found.nll_per_dim),
                "prompt_match": float(found.prompt_match),
                "typicality": float(found.typicality),
                "atypicality": abs(math.log(max(float(found.typicality), _LEAST))),
            }
        case _:
            return {}
