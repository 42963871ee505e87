"""How far estimated joints are from true ones, in shares of the thing, and what knows no better.

The share of joints within a tenth of the thing's longer side is the field's PCK (Yang and Ramanan
2013). The floor says of every joint where it usually is, and that it is there if it usually is.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from common.control.estimated_pose import SURE, FoundPose
from common.control.thing_pose import NUM_JOINTS, ThingJoints

NEAR = 0.1
"""Share of the thing's longer side within which a joint is right."""


class TruePose(NamedTuple):
    """The joints that a picture shows, and the thing's box in it."""

    joints: ThingJoints
    """Pixels; NaN where one cannot be seen."""
    corner: Float[np.ndarray, " 2"]
    """x and y of the box's upper left corner."""
    sides: Float[np.ndarray, " 2"]
    """Its width and height."""


def true_pose(seen: Bool[np.ndarray, "h w"], joints: ThingJoints) -> TruePose:
    """The joints of a picture in which a thing is seen at these pixels, with the thing's box."""
    rows, columns = (np.flatnonzero(seen.any(axis)) for axis in (1, 0))
    corner = np.array([columns[0], rows[0]], float)
    sides = np.array([columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1], float)
    return TruePose(joints, corner, sides)


def pose_scores(made: Sequence[FoundPose], truths: Sequence[TruePose]) -> dict[str, float]:
    """Means over all joints that can be seen; presence over all joints.

    A joint that can be seen is measured wherever it is said to be, whatever its chance.
    """
    errors = joint_errors(made, truths)
    there = ~np.isnan(np.stack([one.joints[:, 0] for one in truths]))
    said = np.stack([one.chances for one in made]) > SURE
    right = (said & there).sum()
    return {
        "pose/error": float(errors.mean()), "pose/median": float(np.median(errors)),
        "pose/pck": float((errors < NEAR).mean()),
        "presence/precision": float(right / max(said.sum(), 1)),
        "presence/recall": float(right / max(there.sum(), 1)),
    }  # fmt: skip


def joint_errors(made: Sequence[FoundPose], truths: Sequence[TruePose]) -> Float[np.ndarray, " n"]:
    """Distances in shares of the longer side, of all joints that can be seen."""
    found = []
    for own, truth in zip(made, truths, strict=True):
        away = np.linalg.norm(own.joints - truth.joints, axis=1) / truth.sides.max()
        there = ~np.isnan(truth.joints[:, 0])
        # Where no thing is found, every joint is as far away as the thing is large.
        found.append(np.nan_to_num(away, nan=1.0)[there])
    return np.concatenate(found)


class Floor(NamedTuple):
    """What needs no eyes: where joints usually are in a thing's box."""

    places: Float[np.ndarray, "14 2"]
    """Shares of the box's width and height."""
    chances: Float[np.ndarray, " 14"]
    """How often each can be seen."""

    def told(self, truth: TruePose) -> FoundPose:
        """The same for every picture but for its box."""
        return FoundPose(truth.corner + self.places * truth.sides, self.chances)


def floor_of(truths: Sequence[TruePose]) -> Floor:
    """The mean place of each joint over pictures of training."""
    shares = np.stack([(one.joints - one.corner) / one.sides for one in truths])
    there = ~np.isnan(shares[..., 0])
    seen = there.sum(0)
    mean = np.where(there[..., None], shares, 0).sum(0) / np.maximum(seen, 1)[:, None]
    assert mean.shape == (NUM_JOINTS, 2)
    return Floor(np.where(seen[:, None] > 0, mean, 0.5), seen / len(truths))
