"""What the lifted U-Net is told of frames that differ: rows mixed, picked and repeated."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_curves import FrameNumbers, PromptTravel
from common.embedded.image_prompt import Seen
from common.embedded.image_unet import NUM_VIEW_FEATURES
from common.embedded.prior import EmbeddedCond


def mixed_vector(travel: PromptTravel, vectors: Float[Tensor, "k d"]) -> Float[Tensor, "f d"]:
    """Pooled states mixed in their direction, of unit components, and features of the view.

    Only the direction of the pooled state was trained, and a mean of two directions is shorter than
    they are.
    """
    mixed = travel.mixed(vectors)
    pooled, view = mixed[:, :-NUM_VIEW_FEATURES], mixed[:, -NUM_VIEW_FEATURES:]
    unit = F.normalize(pooled, dim=1) * pooled.shape[1] ** 0.5
    on_key = (travel.shares.to(mixed.device) == 1).any(1, keepdim=True)
    return torch.cat([torch.where(on_key, pooled, unit), view], 1)


def mixed_seen(travel: PromptTravel, seen: Seen | None) -> Seen | None:
    """Pictures of an image prompt, which are those of every prompt."""
    if seen is None:
        return None
    images = replace(seen.images, tokens=travel.mixed(seen.images.tokens))
    return Seen(images, travel.mixed(seen.vector))


def repeated_rows(rows: EmbeddedCond, count: int) -> EmbeddedCond:
    """The rows of a clip for each of ``count`` samples, one after the other."""
    return _each(rows, lambda one: repeat(one, "f ... -> (b f) ...", b=count))


def frame_rows(rows: EmbeddedCond, frames: FrameNumbers, num_frames: int) -> EmbeddedCond:
    """The rows of some frames of each clip."""

    def picked(one: Tensor) -> Tensor:
        clips = rearrange(one, "(b f) ... -> b f ...", f=num_frames)
        return rearrange(clips[:, frames.to(one.device)], "b f ... -> (b f) ...")

    return _each(rows, picked)


def _each(rows: EmbeddedCond, change: Callable[[Tensor], Tensor]) -> EmbeddedCond:
    seen = rows.seen
    if seen is not None:
        tokens = change(seen.images.tokens)
        seen = Seen(replace(seen.images, tokens=tokens), change(seen.vector))
    return EmbeddedCond(change(rows.states), change(rows.mask), change(rows.vector), seen)
