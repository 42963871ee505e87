"""The first cloud of a fit: a small round Gaussian at each of some points."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from threed.scenes.gaussian_cloud import GaussianCloud

C0 = 0.28209479177387814
"""The constant harmonic."""
NEIGHBOURS = 3
FIRST_OPACITY = 0.1


def cloud_from_points(
    points: Float[Tensor, "n 3"],
    colours: Float[Tensor, "n 3"],
    *,
    degree: int = 0,
    opacity: float = FIRST_OPACITY,
) -> GaussianCloud:
    """Round Gaussians as wide as the mean distance to the three nearest other points.

    Args:
        points: centres, metres; at least four.
        colours: straight, sRGB-encoded, in [0, 1]; the same from everywhere.
        degree: of the harmonics that the cloud has room for.
        opacity: of each, in (0, 1).

    Raises:
        InputError: fewer than four points, or an opacity out of range.
    """
    from scipy.spatial import cKDTree

    if len(points) <= NEIGHBOURS:
        raise InputError(
            f"a cloud needs {NEIGHBOURS + 1} points to know its scale, got {len(points)}"
        )
    if not 0 < opacity < 1:
        raise InputError(f"an opacity must be between 0 and 1, got {opacity}")
    places = points.detach().double().numpy()
    distances, _ = cKDTree(places).query(places, NEIGHBOURS + 1)
    widths = torch.from_numpy(distances[:, 1:].mean(1)).clamp_min(1e-7)
    n = len(points)
    quaternions = points.new_zeros(n, 4)
    quaternions[:, 0] = 1.0
    sh = points.new_zeros(n, (degree + 1) ** 2, 3)
    sh[:, 0] = (colours - 0.5) / C0
    return GaussianCloud(
        points.detach().clone(),
        widths.log().to(points)[:, None].repeat(1, 3),
        quaternions,
        points.new_full((n,), math.log(opacity / (1 - opacity))),
        sh,
    )


def points_in_box(
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    count: int,
    generator: torch.Generator,
) -> Float[Tensor, "n 3"]:
    """Points drawn evenly from a box."""
    corner, far = torch.tensor(low), torch.tensor(high)
    return corner + (far - corner) * torch.rand(count, 3, generator=generator)
