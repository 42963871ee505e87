"""Latents of clips as the training of a causal autoencoder takes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from einops import rearrange
from jaxtyping import Float32

from common.training.frames.clip_latents import EmojiClipLatents, emoji_clip_latents
from common.training.frames.clip_source import NUM_HELD_OUT, ClipSource, prepared_clip_source
from common.training.frames.frame_batch import FrameSource
from common.zoo.models import Loaded

ClipLatents = Float32[np.ndarray, "b z f y x"]

Px = Literal[64, 128]
"""Side of the frames behind the latents."""


@dataclass(frozen=True)
class CodedClipSource:
    """Clips of both sizes, and what is measured on."""

    clips: Mapping[Px, FrameSource]
    measured: Mapping[str, ClipLatents]
    """Clips that are never trained on, by name."""

    def draw(self, size_px: Px, count: int, rng: np.random.Generator) -> ClipLatents:
        """Clips at random, each as likely forwards as backwards: a code knows no story."""
        latents = self.clips[size_px].draw(count, rng).latents
        backwards = rng.random(count) < 0.5
        latents[backwards] = latents[backwards, :, ::-1].copy()
        return latents


def prepared_coded_clips(
    autoencoder: Loaded, cache: Path, device: str, kit_share: float, with_halved: bool
) -> CodedClipSource:
    """The clips of ``prepare/clips`` and ``prepare/emoji``, encoded once.

    Held out are kit clips of new instances, and windows of animations that nobody has learnt from.

    Raises:
        InputError: they are not prepared.
    """
    sides: tuple[Px, ...] = (128, 64) if with_halved else (128,)
    clips: dict[Px, ClipSource] = {
        side: prepared_clip_source(autoencoder, cache, device, kit_share, halve=side == 64)
        for side in sides
    }
    measured = {
        "kit" if side == 128 else f"kit_{side}": one.held_out().latents
        for side, one in clips.items()
    }
    measured["emoji"] = some_windows(emoji_clip_latents(autoencoder, cache, device, held_out=True))
    return CodedClipSource(dict(clips), measured)


def some_windows(clips: EmojiClipLatents, count: int = NUM_HELD_OUT) -> ClipLatents:
    """A window of each of so many animations, always the same ones."""
    rows = np.linspace(0, len(clips.subjects) - 1, min(count, len(clips.subjects))).round()
    rng = np.random.default_rng(0)
    windows = np.stack([clips.draw(int(row), rng) for row in rows]).astype(np.float32)
    return np.ascontiguousarray(rearrange(windows, "b f z y x -> b z f y x"))
