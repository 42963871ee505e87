"""Cameras around a kit object: how views are drawn, and how far away the object fills the frame."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras, orbit_cameras

MIN_ELEVATION_DEG, MAX_ELEVATION_DEG = -10.0, 45.0
MIN_FOVY_DEG, MAX_FOVY_DEG = 20.0, 50.0
FILL = 0.8


@dataclass(frozen=True)
class View:
    """A camera on a sphere about the object's centre. Angles as in ``common.cameras``."""

    azimuth_deg: float
    elevation_deg: float
    fovy_deg: float
    fill: float = FILL
    """The larger side of the object's picture as a share of the frame's side."""
    light_deg: float = 0.0
    """How far the kit's light is turned about the vertical, while the object stays."""


FRONT = View(0.0, 12.0, 25.0)
"""The view of a front render: slightly from above, as in pictograms."""


def sample_view(rng: np.random.Generator) -> View:
    """A view at random: all round, elevation uniform in [-10, 45], fovy in [20, 50] degrees.

    The fill is uniform in [0.7, 0.9], 0.8 on average.
    """
    return View(
        azimuth_deg=float(rng.uniform(0.0, 360.0)),
        elevation_deg=float(rng.uniform(MIN_ELEVATION_DEG, MAX_ELEVATION_DEG)),
        fovy_deg=float(rng.uniform(MIN_FOVY_DEG, MAX_FOVY_DEG)),
        fill=float(rng.uniform(FILL - 0.1, FILL + 0.1)),
    )


def camera_of(view: View, vertices: Float[Tensor, "n 3"], size: int) -> Cameras:
    """The camera of ``view``, at the distance and with the picture centre that frame ``vertices``.

    The distance solves "the picture of all vertices is ``fill`` times the frame" by secant steps
    on its inverse, which is nearly linear; then the principal point moves the picture's middle to
    the frame's middle, so the camera still looks along the same direction.
    """
    scale = 0.5 / np.tan(np.radians(view.fovy_deg) / 2)
    points = vertices.double()
    distance = 1.5 * scale / view.fill + 1.0
    for _ in range(4):
        low, high = _extent(view, points, distance)
        distance = _closer(distance, float((high - low).max()) / view.fill)
    low, high = _extent(view, points, distance)
    camera = _orbit(view, distance, size)
    middle = (low + high) / 2
    intrinsics = camera.intrinsics.clone()
    intrinsics[:, 0, 2] -= (middle[0] - 0.5).float() * size
    intrinsics[:, 1, 2] -= (middle[1] - 0.5).float() * size
    return Cameras(camera.w2c, intrinsics, size, size)


def _closer(distance: float, ratio: float) -> float:
    """The distance at which a picture that is ``ratio`` times too large fits."""
    return max(1.0 + (distance - 1.0) * ratio, 1.0)


def _orbit(view: View, distance: float, size: int) -> Cameras:
    return orbit_cameras(view.azimuth_deg, view.elevation_deg, distance, view.fovy_deg, size, size)


def _extent(view: View, points: Tensor, distance: float) -> tuple[Tensor, Tensor]:
    from common.cameras import project

    pixels, _ = project(_orbit(view, distance, 1).to(torch.float64), points)
    return pixels[0].amin(0), pixels[0].amax(0)
