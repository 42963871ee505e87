"""What evaluations give pictures to follow: held-out kit objects seen from anywhere."""

from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.control.kinds import ESTIMATED_KINDS, ControlKind, MapSource
from common.control.preprocess import preprocessed
from common.kit.catalogue import category_named
from common.kit.views import sample_view
from common.seeding import stream_seed
from common.training.control.control_source import control_of
from common.training.kit.kit_parts import INSTANCES, objects_of
from common.training.kit.kit_truths import rendered_truths
from common.training.pose.kit_joints import seen_joints
from common.training.pose.pose_scores import TruePose, true_pose


class ControlTruth(NamedTuple):
    """A held-out object and what may be followed of it."""

    picture: Float[Tensor, "4 h w"]
    """Premultiplied, in [-1, 1]."""
    controls: dict[ControlKind, Float[Tensor, "3 h w"]]
    """In [0, 1]."""
    pose: TruePose | None = None
    """Its joints, where its pose is among what may be followed."""


def control_truth(
    category: str,
    kinds: tuple[ControlKind, ...],
    place: int,
    size_px: int,
    maps: MapSource = "rendered",
) -> ControlTruth:
    """An instance that training never showed, from a view at random.

    Args:
        category: by the name of its noun.
        kinds: what is to be followed; a pose only of what has one.
        place: counts truths of one category; each has its own view, and two in turn an instance.
        size_px: side of the pictures.
        maps: where depth, normals and poses come from.
    """
    objects = list(objects_of(INSTANCES, category_named(category)))
    one = objects[place % len(objects)]
    rng = np.random.default_rng(stream_seed(one.seed, place, f"followed view {category}"))
    view = sample_view(rng)
    made = rendered_truths(one, (view,), size_px)
    pixels, truth = made.pixels[0], made.truths[0]
    picture = rearrange(torch.from_numpy(pixels.copy()).float() / 127.5 - 1, "h w c -> c h w")
    joints = seen_joints(one, (view,), size_px).shown(0) if "pose" in kinds else None
    controls = {kind: control_of(pixels, truth, kind, rng, joints) for kind in kinds}
    if maps == "estimated":
        known = (picture + 1) / 2
        for kind in ESTIMATED_KINDS:
            if kind in kinds:
                controls[kind] = preprocessed(known, kind)
    pose = None if joints is None else true_pose(pixels[..., 3] > 127, joints)
    return ControlTruth(picture, controls, pose)
