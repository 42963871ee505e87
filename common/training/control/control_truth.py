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


class ControlTruth(NamedTuple):
    """A held-out object and what may be followed of it."""

    picture: Float[Tensor, "4 h w"]
    """Premultiplied, in [-1, 1]."""
    controls: dict[ControlKind, Float[Tensor, "3 h w"]]
    """In [0, 1]."""


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
        kinds: what is to be followed.
        place: counts truths of one category; each has its own view, and two in turn an instance.
        size_px: side of the pictures.
        maps: where depth and normals come from.
    """
    objects = list(objects_of(INSTANCES, category_named(category)))
    one = objects[place % len(objects)]
    rng = np.random.default_rng(stream_seed(one.seed, place, f"followed view {category}"))
    made = rendered_truths(one, (sample_view(rng),), size_px)
    pixels, truth = made.pixels[0], made.truths[0]
    picture = rearrange(torch.from_numpy(pixels.copy()).float() / 127.5 - 1, "h w c -> c h w")
    controls = {kind: control_of(pixels, truth, kind, rng) for kind in kinds}
    if maps == "estimated":
        known = (picture + 1) / 2
        for kind in ESTIMATED_KINDS:
            if kind in kinds:
                controls[kind] = preprocessed(known, kind)
    return ControlTruth(picture, controls)
