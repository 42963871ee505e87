"""Where a character is in each frame of a clip, and how it is stretched and turned."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

PerFrame = Float[Tensor, " f"]


@dataclass(frozen=True)
class Pose:
    """A character over time, in units of half the picture's shorter side, y up from the centre."""

    x: PerFrame
    y: PerFrame
    width: PerFrame
    """Half its width."""
    height: PerFrame
    """Half its height."""
    angle: PerFrame
    """Radians, counterclockwise."""


def rest(num_frames: int, x: float, y: float, size: float, angle: float) -> Pose:
    """A character that does not move."""
    one = torch.ones(num_frames, dtype=torch.float64)
    return Pose(x * one, y * one, size * one, size * one, angle * one)


def _progress(pose: Pose) -> PerFrame:
    """0 to 1 over the frames."""
    return torch.linspace(0, 1, len(pose.x), dtype=torch.float64)


def _phase(pose: Pose) -> PerFrame:
    """0 to 1 over the frames, the next frame being the first again: motions that repeat."""
    return torch.arange(len(pose.x), dtype=torch.float64) / len(pose.x)


def move_right(pose: Pose) -> Pose:
    """From the left to the right, leaning forward."""
    return replace(pose, x=pose.x + 1.1 * (_progress(pose) - 0.5), angle=pose.angle - 0.12)


def move_left(pose: Pose) -> Pose:
    """From the right to the left, leaning forward."""
    return replace(pose, x=pose.x - 1.1 * (_progress(pose) - 0.5), angle=pose.angle + 0.12)


def move_up(pose: Pose) -> Pose:
    """From below to above."""
    return replace(pose, y=pose.y + 1.0 * (_progress(pose) - 0.5))


def move_down(pose: Pose) -> Pose:
    """From above to below."""
    return replace(pose, y=pose.y - 1.0 * (_progress(pose) - 0.5))


def bounce(pose: Pose) -> Pose:
    """Two jumps, squashed on the ground and stretched on the way."""
    jump = torch.remainder(2 * _phase(pose), 1)
    lift = 4 * jump * (1 - jump)
    squash = 0.22 * torch.exp(-((torch.minimum(jump, 1 - jump) / 0.09) ** 2))
    stretch = 1 + 0.1 * (2 * jump - 1).abs() - 1.25 * squash
    height = pose.height * stretch
    ground = pose.y - 0.4
    return replace(
        pose,
        y=ground + 0.8 * lift + (height - pose.height),
        width=pose.width / stretch.sqrt(),
        height=height,
    )


def grow(pose: Pose) -> Pose:
    """From small to large."""
    return _sized(pose, 0.45 + 0.75 * _progress(pose))


def shrink(pose: Pose) -> Pose:
    """From large to small."""
    return _sized(pose, 1.2 - 0.75 * _progress(pose))


def spin(pose: Pose) -> Pose:
    """Once around, clockwise."""
    return replace(pose, angle=pose.angle - 2 * math.pi * _phase(pose))


def _sized(pose: Pose, factor: PerFrame) -> Pose:
    return replace(pose, width=pose.width * factor, height=pose.height * factor)


MOTIONS: dict[str, Callable[[Pose], Pose]] = {
    "moving right": move_right,
    "moving left": move_left,
    "moving up": move_up,
    "moving down": move_down,
    "bouncing": bounce,
    "growing": grow,
    "shrinking": shrink,
    "spinning": spin,
}
"""Every motion by the words for it."""
