"""Densification as sampling (Kheradmand et al. 2024, 3DGS as MCMC, arXiv 2404.09591).

The number of Gaussians has a fixed cap. Those that have become transparent are moved to where
opaque ones are, new ones join them in the same way, and noise lets the uncertain ones explore.
A Gaussian that is now ``N`` in one place looks as before if each has

    o' = 1 - (1 - o)^(1/N),    s' = s o / sum_j C(N, j) (-1)^(j-1) o'^j / sqrt(j)

(equation 9, with the inner sum of binomials in closed form): the integrals of alpha agree.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from common.errors import InputError
from threed.optimise.live_cloud import LiveCloud, rearranged
from threed.scenes.gaussian_cloud import GaussianCloud

MOST_COPIES = 51
_GATE, _GATE_SLOPE = 0.005, 100.0
"""Noise fades out above this opacity, this steeply."""


@dataclass(frozen=True)
class Mcmc:
    """How often and how much."""

    min_opacity: float = 0.005
    """Gaussians below are moved."""
    growth: float = 0.05
    """Share by which the cloud grows each time, up to the cap."""
    noise: float = 5e5
    """Deviation of the noise for a transparent Gaussian, per learning rate and covariance."""
    lambda_opacity: float = 0.01
    """Weight of the mean opacity: lets needless Gaussians die."""
    lambda_scale: float = 0.01
    """Weight of the mean deviation, metres."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        if not (0 < self.min_opacity < 1 and self.growth >= 0 and self.noise >= 0):
            raise InputError(
                f"min_opacity must be in (0, 1), growth and noise from 0: got {self.min_opacity}, "
                f"{self.growth}, {self.noise}"
            )


def regularisers(cloud: GaussianCloud, options: Mcmc) -> dict[str, Tensor]:
    """Weighted mean opacity and mean deviation."""
    return {
        "opacities": options.lambda_opacity * cloud.opacities.mean(),
        "scales": options.lambda_scale * cloud.scales.mean(),
    }


def densified(
    live: LiveCloud, options: Mcmc, max_gaussians: int, generator: torch.Generator
) -> LiveCloud:
    """Move the transparent Gaussians to opaque ones, then add some, up to the cap.

    A cloud that is transparent altogether has nowhere to move to and stays as it is.
    """
    n = len(live)
    opacities = torch.sigmoid(live.leaves["opacity_logits"].detach())
    dead = opacities <= options.min_opacity
    more = min(max_gaussians, math.floor(n * (1 + options.growth))) - n
    moving = torch.cat([dead.nonzero()[:, 0], torch.arange(n, n + max(more, 0))])
    if len(moving) == 0 or bool(dead.all()):
        return live
    weights = torch.where(dead, 0.0, opacities)
    sources = torch.multinomial(weights, len(moving), replacement=True, generator=generator)
    rows = torch.cat([torch.arange(n), sources[len(sources) - max(more, 0) :]])
    rows[moving] = sources
    return _shared(live, rows, sources, moving, options.min_opacity)


def _shared(
    live: LiveCloud,
    rows: Int64[Tensor, " m"],
    sources: Int64[Tensor, " s"],
    moving: Int64[Tensor, " s"],
    min_opacity: float,
) -> LiveCloud:
    """The rows, with light and size of each source shared among it and its new copies."""
    logits, log_scales = (
        live.leaves[name].detach()[rows] for name in ("opacity_logits", "log_scales")
    )
    copies = torch.bincount(sources, minlength=len(live)) + 1
    touched = torch.zeros(len(rows), dtype=torch.bool)
    touched[sources] = touched[moving] = True
    opacity, factor = shared_light(torch.sigmoid(logits[touched]), copies[rows[touched]])
    eps = torch.finfo(opacity.dtype).eps
    logits[touched] = torch.logit(opacity.clamp(min_opacity, 1 - eps)).to(logits)
    log_scales[touched] += factor.log()[:, None].to(log_scales)
    return rearranged(live, rows, touched, {"opacity_logits": logits, "log_scales": log_scales})


def shared_light(
    opacity: Float[Tensor, " n"], copies: Int64[Tensor, " n"]
) -> tuple[Float[Tensor, " n"], Float[Tensor, " n"]]:
    """Opacity of each of ``copies`` Gaussians in one place, and the factor of their deviations.

    More than 51 copies count as 51.
    """
    number = copies.clamp(max=MOST_COPIES).double()
    before = opacity.double()
    each = 1 - (1 - before) ** (1 / number)
    j = torch.arange(1, MOST_COPIES + 1, dtype=torch.float64)
    log_binomial = (
        torch.lgamma(number[:, None] + 1) - torch.lgamma(j + 1)
        - torch.lgamma((number[:, None] - j).clamp_min(0) + 1)
    )  # fmt: skip
    signs = torch.where(j % 2 == 1, 1.0, -1.0)
    terms = signs * torch.exp(log_binomial) * each[:, None] ** j / j.sqrt()
    total = torch.where(j <= number[:, None], terms, 0.0).sum(1)
    return each.to(opacity), (before / total).to(opacity)


@torch.no_grad()
def explore(live: LiveCloud, rate: float, options: Mcmc, generator: torch.Generator) -> None:
    """Move the means at random, by ``noise rate gate(o) S eta`` with the covariance ``S``."""
    means = live.leaves["means"]
    eta = torch.randn(means.shape, generator=generator, dtype=means.dtype)
    cloud = live.cloud(0)
    gate = torch.sigmoid(_GATE_SLOPE * (_GATE - cloud.opacities))
    scale = options.noise * rate * gate
    w, x, y, z = torch.nn.functional.normalize(cloud.quaternions, dim=-1).unbind(-1)
    axes = (
        (1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)),
        (2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)),
        (2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)),
    )
    for k, axis in enumerate(axes):
        along = torch.stack(axis, -1)
        variance = cloud.scales[:, k : k + 1] ** 2
        means += scale[:, None] * variance * along * (along * eta).sum(-1, keepdim=True)
