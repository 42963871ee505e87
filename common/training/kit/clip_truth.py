"""What a clip was asked to be: an instance of the kit that training never shows, in its motion."""

import itertools

import numpy as np
import torch
from einops import rearrange

from common.kit.catalogue import category_named
from common.kit.clips import render_clip
from common.kit.instances import instance
from common.kit.motions import motion_named
from common.kit.palette import COLOUR_NAMES
from common.kit.split import is_instance_held_out
from common.kit.views import FRONT
from common.seeding import stream_seed
from common.shapes import Clips


def true_clip(
    category: str, colour: str | None, motion: str, num_frames: int, size_px: int, place: int
) -> Clips:
    """A held-out instance in motion, from the front: premultiplied RGBA in [-1, 1], one clip.

    Args:
        category: noun of the kit.
        colour: of the main part, English; None: the instance's own.
        motion: its name.
        num_frames: length.
        size_px: side of the frames.
        place: which of the held-out instances, and which of the ways to move.
    """
    held_out = (seed for seed in itertools.count() if is_instance_held_out(category, seed))
    seed = next(itertools.islice(held_out, place, None))
    main = next((name for name in COLOUR_NAMES if name == colour), None)
    rng = np.random.default_rng(stream_seed(seed, place, f"true clip {category} {motion}"))
    made = render_clip(
        instance(category_named(category), seed, main=main), motion_named(motion), FRONT,
        num_frames, rng, size_px,
    )  # fmt: skip
    rgba = torch.as_tensor(made.frames.rgba)
    return rearrange(rgba, "f h w c -> 1 c f h w") * 2 - 1
