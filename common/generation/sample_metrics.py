"""What can be said of a sample by the prior it was drawn from."""

from typing import Any

from torch import Tensor

from common.diffusion.gaussian_metrics import gaussian_metrics
from common.diffusion.gaussian_prior import GaussianPrior


def sample_metrics(prior: Any, latents: Tensor, prompt: str) -> dict[str, float]:
    """Metrics of one sample ``(c, h, w)`` or ``(c, f, h, w)``; none without a density."""
    match prior:
        case GaussianPrior():
            found = gaussian_metrics(prior, latents[None], prior.embed([prompt]))
            return {
                "nll_per_dim": float(found.nll_per_dim),
                "prompt_match": float(found.prompt_match),
                "typicality": float(found.typicality),
            }
        case _:
            return {}
