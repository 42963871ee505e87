"""The pose of a thing in a picture, estimated: joints as the union ControlNet reads them.

The thing is framed as for its maps (`estimated_maps`); joints are told in the square that the
estimator sees, and laid back where the thing is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.control.estimated_maps import Framed, framed, visible
from common.control.thing_pose import NUM_JOINTS, ThingJoints
from common.shapes import Images

SURE = 0.5
"""Probability above which a joint is there."""


@dataclass(frozen=True, eq=False)
class FoundPose:
    """What is told of one picture."""

    joints: ThingJoints
    """Where each joint would be, pixels; NaN where there is no thing."""
    chances: Float[np.ndarray, " 14"]
    """Probability that it is there and can be seen."""

    def sure(self) -> ThingJoints:
        """Those that are probably there."""
        return np.where(self.chances[:, None] > SURE, self.joints, np.nan)


@torch.no_grad()
def estimated_poses(
    model: Any, pictures: Sequence[Float[Tensor, "4 _ _"]]
) -> tuple[FoundPose, ...]:
    """What a `PoseEstimator` tells of premultiplied pictures in [0, 1], of any sizes."""
    things = [framed(one) if visible(one).any() else None for one in pictures]
    shown = [one for one in things if one is not None]
    nothing = FoundPose(np.full((NUM_JOINTS, 2), np.nan), np.zeros(NUM_JOINTS))
    if not shown:
        return (nothing,) * len(pictures)
    squares: Images = torch.stack([one.picture for one in shown])
    told = model(squares.contiguous(memory_format=torch.channels_last))
    places = told.places().double().numpy()
    chances = told.presence.sigmoid().double().numpy()
    rows = iter(zip(shown, places, chances, strict=True))
    return tuple(nothing if one is None else _laid_back(*next(rows)) for one in things)


def _laid_back(
    thing: Framed, places: Float[np.ndarray, "14 2"], chances: Float[np.ndarray, " 14"]
) -> FoundPose:
    """From the square to where the thing was."""
    (rows, columns), place = thing.box, thing.place
    size = np.array([columns.stop - columns.start, rows.stop - rows.start])
    corner, inner = np.array([place.left, place.top]), np.array([place.width, place.height])
    joints = (places - corner) / inner * size + (columns.start, rows.start)
    return FoundPose(joints, chances)
