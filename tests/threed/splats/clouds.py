"""Clouds of Gaussians to write and read, and pictures of them."""

import torch

from common.cameras import orbit_cameras
from tests.reference.splat_scipy import draw
from threed.scenes.gaussian_cloud import GaussianCloud

CAMERAS = orbit_cameras([20.0, 140.0, 265.0], [15.0, -30.0, 40.0], 3.0, 40.0, 32, 32,
                        dtype=torch.float64)  # fmt: skip


def cloud_of(count=60, degree=3, seed=0, dtype=torch.float32):
    """Long coloured bodies about the origin, with strong colours by direction.

    No two views, turns or mirror images of it look alike.
    """
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    coefficients = (degree + 1) ** 2
    sh = 0.25 * normal(count, coefficients, 3).clamp(-3, 3)
    return GaussianCloud(
        (0.35 * normal(count, 3)).to(dtype),
        (0.6 * normal(count, 3) - 2.6).to(dtype),
        normal(count, 4).to(dtype),
        (1.5 * normal(count)).to(dtype),
        sh.to(dtype),
    )


def psnr(one, other):
    """Of two clouds' pictures, all four premultiplied channels, dB; infinite for equal ones."""
    error = (draw(one, CAMERAS) - draw(other, CAMERAS)).square().mean()
    return float(-10 * torch.log10(error))
