"""Poses of things with a face or a body, as the union ControlNet reads them.

One skeleton serves animals, faces, robots, dolls and insects: what a thing does not have, or does
not show, is left out. Right and left are the thing's own; of butterflies and other things that are
shown from above, left is what is right in their picture, as of a face.
"""

import colorsys
from typing import Literal, get_args

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.control.sticks import draw_stick

JointName = Literal[
    "nose", "mouth", "right eye", "left eye", "right ear", "left ear", "crown", "head", "body",
    "right hand", "left hand", "right foot", "left foot", "tail",
]  # fmt: skip
"""Nose: or snout, beak. Ears: their tips, or those of horns, tufts, feelers. Crown: the top of the
head. Head and body: their middles. Hands: or the ends of arms, wings, claws, fins, forelegs."""
JOINTS: tuple[JointName, ...] = get_args(JointName)
NUM_JOINTS = len(JOINTS)
_OF_HEAD = ("nose", "mouth", "right eye", "left eye", "right ear", "left ear", "crown", "body")
_OF_BODY = ("right hand", "left hand", "right foot", "left foot", "tail")
LIMBS = tuple(
    (JOINTS.index(start), JOINTS.index(end))
    for start, ends in (("head", _OF_HEAD), ("body", _OF_BODY))
    for end in ends
)
"""Joints that are connected: everything with the head or with the body."""
_OTHER_SIDE = {"right": "left", "left": "right"}
MIRRORED = tuple(
    JOINTS.index(" ".join(_OTHER_SIDE.get(word, word) for word in name.split())) for name in JOINTS
)
"""Of each joint, which one it is in a picture that is mirrored."""
LIMB_SHARE = 0.6
"""Brightness of limbs; joints have all of their colour."""
LIMB_RADIUS, JOINT_RADIUS = 1.25 / 128, 2.5 / 128
"""Half of their width, as a share of the picture's shorter side."""

ThingJoints = Float[np.ndarray, "14 2"]
"""x and y of `JOINTS`, pixels; NaN where a joint is not there."""


def _colours() -> Float[np.ndarray, "14 3"]:
    """As far apart as their number allows: seven hues, bright and pale."""
    hues = [(k % 7) / 7 for k in range(NUM_JOINTS)]
    return np.array([
        colorsys.hsv_to_rgb(hue, 1.0 if k < 7 else 0.5, 1.0) for k, hue in enumerate(hues)
    ], np.float32)  # fmt: skip


COLOURS = _colours()
"""Of the joints, and of the limbs that end there; in [0, 1]."""


def thing_skeleton(joints: ThingJoints, size: tuple[int, int]) -> Float[Tensor, "3 h w"]:
    """Limbs and joints on black, in [0, 1], in a picture of ``(height, width)``."""
    canvas = np.zeros((*size, 3), np.float32)
    side = min(size)
    for start, end in LIMBS:
        draw_stick(
            canvas, joints[start], joints[end], max(LIMB_RADIUS * side, 0.75),
            COLOURS[end] * LIMB_SHARE,
        )  # fmt: skip
    for joint, colour in zip(joints, COLOURS, strict=True):
        draw_stick(canvas, joint, joint, max(JOINT_RADIUS * side, 1.0), colour)
    return rearrange(torch.from_numpy(canvas), "h w c -> c h w").contiguous()
