"""Clips of plain shapes with smooth edges: premultiplied RGBA in [-1, 1], ``4 f 64 64``.

Shapes are drawn in pixels from the middle of the frame, x to the right and y up, on a grid eight
times finer than the pixels.
"""

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE_PX = 64
FINE = 8

Shape = Callable[[Tensor, Tensor], Tensor]
"""Places x, y to whether they are inside."""


def disk(radius: float, x: float = 0.0, y: float = 0.0) -> Shape:
    return lambda u, v: (u - x) ** 2 + (v - y) ** 2 < radius**2


def box(
    width: float, height: float, x: float = 0.0, y: float = 0.0, turn_deg: float = 0.0
) -> Shape:
    angle = torch.deg2rad(torch.tensor(turn_deg))
    c, s = float(angle.cos()), float(angle.sin())

    def inside(u: Tensor, v: Tensor) -> Tensor:
        along, across = c * (u - x) + s * (v - y), c * (v - y) - s * (u - x)
        return (along.abs() < width / 2) & (across.abs() < height / 2)

    return inside


def both(first: Shape, second: Shape) -> Shape:
    return lambda u, v: first(u, v) & second(u, v)


def frame(*painted: tuple[Shape, Sequence[float]]) -> Tensor:
    """Shapes in their colours (RGB in [0, 1]), later ones over earlier ones: ``4 64 64``."""
    steps = (torch.arange(SIDE_PX * FINE) + 0.5) / FINE - SIDE_PX / 2
    u, v = torch.meshgrid(steps, -steps, indexing="xy")
    picture = torch.zeros(4, SIDE_PX * FINE, SIDE_PX * FINE)
    for shape, colour in painted:
        inside = shape(u, v)
        picture = torch.where(inside, torch.tensor([*colour, 1.0])[:, None, None], picture)
    return F.avg_pool2d(picture, FINE) * 2 - 1


def clip(frames: Sequence[Tensor]) -> Tensor:
    return torch.stack(list(frames), 1)


RED, BLUE, GREEN, GREY = (0.9, 0.1, 0.1), (0.1, 0.2, 0.9), (0.1, 0.7, 0.2), (0.5, 0.5, 0.5)


def figure(x: float = 0.0, y: float = 0.0, scale: float = 1.0) -> Tensor:
    """A frame with a red box, a blue disk on its right and a green one on top."""
    return frame(
        (box(20 * scale, 14 * scale, x, y), RED),
        (disk(5 * scale, x + 8 * scale, y), BLUE),
        (disk(4 * scale, x - 4 * scale, y + 7 * scale), GREEN),
    )
