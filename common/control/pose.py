"""Poses as pictures: skeletons of keypoints, as ControlNets for OpenPose read them.

Keypoints are read in OpenPose's JSON layout: ``people``, each with ``pose_keypoints_2d`` (x, y and
confidence, 18 of COCO or 25 of BODY_25), and ``canvas_width`` and ``canvas_height`` as editors of
poses write them. Faces, hands and feet are not drawn.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.control.sticks import draw_stick
from common.errors import InputError
from common.json_files import read_json
from common.media.fitting import Fit, placement

COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0),
    (0, 255, 0), (0, 255, 85), (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255),
    (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""Of the joints: nose, neck, right shoulder, elbow, wrist, left ones, right hip, knee, ankle, left
ones, right and left eye, right and left ear. The first 17 are those of the limbs too."""
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12),
    (12, 13), (1, 0), (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""Joints that are connected, in the order of their colours."""
LIMB_SHARE = 0.6
"""Brightness of limbs; joints have all of their colour."""
STICK = 4 / 512
"""Half the width of a limb, and the radius of a joint, as a share of the shorter side."""
CONFIDENT = 0.05
"""Joints below are not there."""
_NUM_JOINTS, _NUM_BODY_25 = 18, 25
_OF_BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18)
_MAX_BYTES = 4_000_000
_MAX_PEOPLE = 100

Joints = Float[np.ndarray, "18 2"]
"""x and y; NaN where a joint is not there."""


@dataclass(frozen=True, eq=False)
class Pose:
    """The people of one frame."""

    people: tuple[Joints, ...]
    """In pixels of the canvas."""
    size: tuple[int, int]
    """Height and width of the canvas."""


def read_poses(path: Path) -> list[Pose]:
    """The frames of a JSON file: one object, or a list of them.

    Raises:
        InputError: it is missing, too large, no such JSON, or has no canvas.
    """
    missing = "is missing: preprocessor pose draws the keypoints of a JSON file"
    content = read_json(path, _MAX_BYTES, "file of keypoints", missing)
    frames = content if isinstance(content, list) else [content]
    if not frames:
        raise InputError(f"{path} has no frame")
    return [_pose(path, frame) for frame in frames]


def skeleton(pose: Pose, size: tuple[int, int], fit: Fit) -> Float[Tensor, "3 h w"]:
    """The people on black, in [0, 1], their canvas fitted to ``(height, width)``.

    Limbs are ellipses from joint to joint, joints are disks on top; lines are as wide at every size
    as 4 pixels to each side of 512.
    """
    place = placement(pose.size, size, fit)
    scale = np.array([place.width / pose.size[1], place.height / pose.size[0]])
    thick = max(STICK * min(size), 0.75)
    canvas = np.zeros((*size, 3), np.float32)
    people = [joints * scale + (place.left, place.top) for joints in pose.people]
    for joints in people:
        for (a, b), colour in zip(LIMBS, COLOURS, strict=False):
            draw_stick(canvas, joints[a], joints[b], thick, np.array(colour) * LIMB_SHARE)
    for joints in people:
        for joint, colour in zip(joints, COLOURS, strict=True):
            draw_stick(canvas, joint, joint, thick, np.array(colour))
    return rearrange(torch.from_numpy(canvas) / 255, "h w c -> c h w").contiguous()


def _pose(path: Path, frame: Any) -> Pose:
    people = frame.get("people") if isinstance(frame, dict) else None
    if not isinstance(people, list) or len(people) > _MAX_PEOPLE:
        raise InputError(
            f"{path} has no list of at most {_MAX_PEOPLE} people, as OpenPose's JSON has: "
            '{"canvas_width": 512, "canvas_height": 512, "people": [{"pose_keypoints_2d": [...]}]}'
        )
    sides = [frame.get(key) for key in ("canvas_height", "canvas_width")]
    if not all(isinstance(side, int) and 1 <= side <= 1 << 16 for side in sides):
        raise InputError(
            f"{path} does not say how large the picture of its keypoints is: add canvas_width and "
            "canvas_height in pixels"
        )
    height, width = sides
    return Pose(tuple(_joints(path, one, (width, height)) for one in people), (height, width))


def _joints(path: Path, person: Any, canvas: tuple[int, int]) -> Joints:
    """Of one person; coordinates that are all within [0, 1] are shares of the canvas."""
    row = (person.get("pose_keypoints_2d") or []) if isinstance(person, dict) else None
    if not _are_numbers(row) or len(row) not in (0, 3 * _NUM_JOINTS, 3 * _NUM_BODY_25):
        said = f"{len(row)} values" if _are_numbers(row) else "something else"
        raise InputError(
            f"{path}: pose_keypoints_2d must have 18 (COCO) or 25 (BODY_25) times x, y and "
            f"confidence, and has {said}"
        )
    if not row:  # only a face or hands were found
        return np.full((_NUM_JOINTS, 2), np.nan)
    points = np.array(row, np.float64).reshape(-1, 3)
    if len(points) != _NUM_JOINTS:
        points = points[list(_OF_BODY_25)]
    there = points[:, 2] > CONFIDENT
    joints = np.where(there[:, None], points[:, :2], np.nan)
    if there.any() and np.abs(points[there, :2]).max() <= 1:
        joints = joints * canvas
    return joints


def _are_numbers(row: Any) -> TypeGuard[list[float]]:
    return isinstance(row, list) and all(
        isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
        for one in row
    )
