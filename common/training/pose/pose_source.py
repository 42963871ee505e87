"""Kit pictures with their joints, framed around the thing as the estimator sees it.

Each sample is moved, scaled, mirrored and painted anew, as those of the geometry estimator.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from common.control.estimated_maps import SIZE_PX
from common.control.thing_pose import MIRRORED, ThingJoints
from common.shapes import Images
from common.training.kit.kit_truths import KitTruthSet
from common.training.pictures.augmentation import chance
from common.training.pictures.thing_frames import (
    box_of,
    painted,
    random_frames,
    seen_in,
    unit_pictures,
)
from common.training.pose.kit_poses import joints_of_set, posed_truths


class PoseSample(NamedTuple):
    """Framed pictures and where their joints are."""

    pictures: Images
    """Premultiplied, in [-1, 1]."""
    places: Float[Tensor, "b 14 2"]
    """x and y, pixels; anything where a joint is not there."""
    there: Bool[Tensor, "b 14"]
    """Whether it can be seen."""


@dataclass(frozen=True)
class PoseSource:
    """Pictures row by row, one array of each category after the other, and their joints."""

    pixels: tuple[UInt8[np.ndarray, "_ h w 4"], ...]
    joints: Float[np.ndarray, "n 14 2"]
    """Those that can be seen, pixels; NaN where one cannot."""

    def __len__(self) -> int:
        return len(self.joints)

    def row(self, row: int) -> tuple[UInt8[np.ndarray, "h w 4"], ThingJoints]:
        """A picture and its joints."""
        joints = self.joints[row]
        for pixels in self.pixels:
            if row < len(pixels):
                return np.asarray(pixels[row]), joints
            row -= len(pixels)
        raise IndexError(row)

    def draw(self, count: int, rng: np.random.Generator, generator: torch.Generator) -> PoseSample:
        """Rows at random, framed at random and painted anew."""
        pairs = [self.row(int(row)) for row in rng.integers(0, len(self), count)]
        boxes = torch.tensor([box_of(pixels) for pixels, _ in pairs], dtype=torch.float32)
        joints = torch.from_numpy(np.stack([joints for _, joints in pairs])).float()
        mirrored = chance(count, 0.5, generator)
        frames = random_frames(boxes, mirrored.flatten(), generator)
        pictures = unit_pictures(np.stack([pixels for pixels, _ in pairs]))
        pictures = painted(seen_in(pictures, frames, SIZE_PX, "bilinear"), generator)
        joints = torch.where(mirrored[:, 0], joints[:, list(MIRRORED)], joints)
        places = joints_in(joints, frames, len(pairs[0][0]))
        there = ((places > 0) & (places < SIZE_PX)).all(-1)
        return PoseSample(pictures * 2 - 1, torch.where(there[..., None], places, 0.0), there)


def joints_in(
    joints: Float[Tensor, "b 14 2"], frames: Float[Tensor, "b 2 3"], size_px: int
) -> Float[Tensor, "b 14 2"]:
    """Where frames have the joints of pictures of ``size_px``, in pixels of `SIZE_PX`."""
    units = joints * 2 / size_px - 1
    scales = torch.stack([frames[:, 0, 0], frames[:, 1, 1]], 1)
    made = (units - rearrange(frames[..., 2], "b p -> b 1 p")) / rearrange(scales, "b p -> b 1 p")
    return (made + 1) * SIZE_PX / 2


def pose_source(sets: Sequence[KitTruthSet]) -> PoseSource:
    """Those prepared pictures of a part that have a pose; their joints take a minute."""
    posed, _ = posed_truths(sets)
    joints = np.concatenate([joints_of_set(one) for one in posed])
    return PoseSource(tuple(one.pixels for one in posed), joints)
