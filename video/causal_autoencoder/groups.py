"""Frames as groups that become one frame of the code each, and back.

The first frame is a group of its own, as if the clip had stood still before it (MAGVIT-v2: Yu et
al. 2023, arXiv 2310.05737); each ``r`` frames after it are the next. ``1 + r k`` frames are
``1 + k`` groups; of other lengths the last group is filled with its last frame.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.shapes import Clips

Groups = Float[Tensor, "b g y x d"]
"""Features of groups, channels last."""

MadeGroups = Float[Tensor, "b g y x e"]
"""Other features of the same groups."""

Before = Float[Tensor, "b p y x d"]
"""Features of groups before these."""


def num_groups(num_frames: int, size: int) -> int:
    """Groups of so many frames: ``1 + ceil((f - 1) / r)``."""
    return 1 + -(-(num_frames - 1) // size)


def num_grouped(num_groups: int, size: int) -> int:
    """Frames of so many whole groups: ``1 + r (g - 1)``."""
    return 1 + size * (num_groups - 1)


def groups_of(frames: Clips, size: int, first: bool) -> Float[Tensor, "b g y x d"]:
    """Latents of the frames of each group, side by side in the channels, the oldest first.

    Args:
        frames: of a clip, or of a part of it that begins with a group.
        size: frames of a group.
        first: whether the first frame is that of the clip.
    """
    parts = [frames[:, :, :1].expand(-1, -1, size - 1, -1, -1)] if first else []
    held = frames.shape[2] + (size - 1) * first
    last = frames[:, :, -1:].expand(-1, -1, -held % size, -1, -1)
    whole = torch.cat([*parts, frames, last], 2)
    return rearrange(whole, "b c (g r) y x -> b g y x (r c)", r=size)


def frames_of(groups: Groups, size: int, first: bool) -> Clips:
    """The frames of groups in their order: `groups_of` reversed, up to what filled the last one."""
    frames = rearrange(groups, "b g y x (r c) -> b c (g r) y x", r=size)
    return frames[:, :, size - 1 :] if first else frames


def mixtures(
    before: Float[Tensor, "b g y x z"], now: Float[Tensor, "b g y x z"], size: int
) -> MadeGroups:
    """Groups whose frames go from one code to the next in even steps, the last being the next."""
    shares = torch.arange(1, size + 1, device=now.device, dtype=now.dtype) / size
    mixed = torch.lerp(before[..., None, :], now[..., None, :], shares[:, None])
    return rearrange(mixed, "b g y x r z -> b g y x (r z)")


def check_num_frames(num_frames: int, num_codes: int, size: int) -> None:
    """Refuse a length that so many frames of a code do not have.

    Raises:
        InputError: with the lengths that they can have.
    """
    if num_frames < 1 or num_groups(num_frames, size) != num_codes:
        most = num_grouped(num_codes, size)
        least = max(most - size + 1, 1)
        raise InputError(
            f"{num_codes} frames of the code are clips of {least} to {most} frames, not "
            f"{num_frames}"
        )
