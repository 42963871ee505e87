"""Clips that nobody has learnt from, as pixels: of the kit, and of emoji."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from common.training.emoji.emoji_clips import load_clips
from common.training.emoji.emoji_split import load_split
from common.training.frames.clip_latents import SIZE_PX
from common.training.frames.clip_windows import draw_window
from common.training.kit.clip_parts import INSTANCE_CLIPS, NUM_FRAMES
from common.training.kit.kit_clips import load_kit_clips

Pixels = UInt8[np.ndarray, "f h w 4"]


def held_out_clips(cache: Path, count: int) -> Mapping[str, list[Pixels]]:
    """So many of each kind, evenly chosen, or all there are; always the same ones.

    Raises:
        InputError: they are not prepared.
    """
    kit = [
        (one, index)
        for one in load_kit_clips(cache, INSTANCE_CLIPS)
        for index in range(len(one.shots))
    ]
    stored, reserved = load_clips(cache, SIZE_PX), frozenset(load_split().reconstruction)
    emoji = [
        clip for clip in stored.clips if clip.key in reserved and clip.num_frames >= NUM_FRAMES
    ]
    rng = np.random.default_rng(0)
    return {
        "kit": [kit[at][0].frames(kit[at][1]) for at in _evenly(len(kit), count)],
        "emoji": [
            stored.frames(emoji[at])[draw_window(emoji[at].num_frames, rng, NUM_FRAMES)]
            for at in _evenly(len(emoji), count)
        ],
    }


def as_clip(pixels: Pixels) -> Float[Tensor, "4 f h w"]:
    """Premultiplied RGBA in [-1, 1]."""
    return rearrange(torch.tensor(pixels), "f h w c -> c f h w").float() / 127.5 - 1


def _evenly(available: int, count: int) -> Iterator[int]:
    yield from np.linspace(0, available - 1, min(count, available)).round().astype(int).tolist()
