"""The grey ball that a distillation starts from (after Magic3D, arXiv 2211.10440)."""

import torch
from jaxtyping import Float
from torch import Tensor

from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.gaussian_start import cloud_from_points

SOLID_RAW = 3.0
"""Raw density deep inside."""
_FALL_RAW = 6.0
"""By how much raw density falls from the middle to the ball's edge, and again beyond: the surface
is soft, and space around it not so empty that nothing could grow there."""


def ball_density(points: Float[Tensor, "*n 3"], radius_m: float) -> Float[Tensor, "*n"]:
    """Raw density of the ball: 0 at its edge."""
    raw = _FALL_RAW * (1 - points.norm(dim=-1) / radius_m)
    return raw.clamp(max=SOLID_RAW)


def ball_cloud(count: int, radius_m: float, generator: torch.Generator) -> GaussianCloud:
    """Grey Gaussians evenly drawn from the ball."""
    drawn = torch.randn(count, 3, generator=generator)
    lengths = torch.rand(count, 1, generator=generator) ** (1 / 3)
    points = radius_m * lengths * torch.nn.functional.normalize(drawn, dim=-1)
    return cloud_from_points(points, torch.full((count, 3), 0.5))
