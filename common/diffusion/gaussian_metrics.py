"""How good samples of the closed-form prior are: exact, per sample, no estimate and no judge."""

from dataclasses import dataclass

import torch
from einops import einsum
from jaxtyping import Float64
from torch import Tensor

from common.diffusion.gaussian_mixture import Level
from common.diffusion.gaussian_prior import GaussianCond, GaussianPrior
from common.shapes import Latents


@dataclass(frozen=True)
class GaussianMetrics:
    """One number per sample each."""

    nll_per_dim: Float64[Tensor, " b"]
    """``-log p(x | prompt) / num_dims`` in nats. A true sample has about the prior's entropy."""
    prompt_match: Float64[Tensor, " b"]
    """``p(prompt | x)``: the posterior mass of the modes that the prompt names, in [0, 1]."""
    typicality: Float64[Tensor, " b"]
    """Squared Mahalanobis distance to the nearest named mode over ``num_dims``: 1 for a true
    sample, give or take ``sqrt(2 / num_dims)``; below it is too smooth, above it is off."""


def gaussian_metrics(prior: GaussianPrior, latents: Latents, cond: GaussianCond) -> GaussianMetrics:
    """The metrics of clean samples that were drawn for ``cond``."""
    one = torch.ones(len(latents), dtype=torch.float64, device=latents.device)
    clean = Level(one, torch.zeros_like(one))
    # In float64: distances are in units of the smallest variances, where float32 sums fall short.
    named, exact = cond.mixture, latents.double()
    num_dims = prior.mixture.num_dims
    posterior = prior.mixture.mode_log_probs(exact, clean).softmax(1)
    distances = named.mahalanobis(exact, clean).masked_fill(
        cond.log_weights == -torch.inf, torch.inf
    )
    return GaussianMetrics(
        nll_per_dim=-named.log_prob(exact, clean, cond.log_weights) / num_dims,
        prompt_match=einsum(posterior, cond.matches.double(), "b k, b k -> b"),
        typicality=distances.amin(1) / num_dims,
    )
