"""Clips, and pictures as clips of one frame, as the training of a spacetime DiT takes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from einops import rearrange

from common.embedded.image_unet import FRONT
from common.training.frames.clip_latents import SIZE_PX
from common.training.frames.clip_source import prepared_clip_source
from common.training.frames.frame_batch import FrameBatch, FrameSource, first_frame
from common.training.pictures.latent_sets import LatentSet, emoji_latents
from common.training.pictures.subjects import draw_caption
from common.zoo.models import Loaded


@dataclass(frozen=True)
class ClipAndStillSource:
    """Clips, their first frames, and emoji stills."""

    clips: FrameSource
    stills: LatentSet | None
    """None: first frames of clips alone."""
    still_share: float
    """Share of the pictures that are stills."""
    chinese_share: float
    """Share of the captions of stills that are Chinese."""

    def draw(self, count: int, rng: np.random.Generator) -> FrameBatch:
        """Clips at random."""
        return self.clips.draw(count, rng)

    def pictures(self, count: int, rng: np.random.Generator) -> FrameBatch:
        """Pictures at random, as clips of one frame."""
        of_stills = 0 if self.stills is None else int(rng.binomial(count, self.still_share))
        parts = []
        if count > of_stills:
            parts.append(first_frame(self.clips.draw(count - of_stills, rng)))
        if self.stills is not None and of_stills:
            parts.append(_of_stills(self.stills, of_stills, self.chinese_share, rng))
        return FrameBatch(
            np.concatenate([part.latents for part in parts]),
            tuple(prompt for part in parts for prompt in part.prompts),
            tuple(view for part in parts for view in part.views),
            np.concatenate([part.times for part in parts]),
        )

    def held_out(self) -> FrameBatch:
        """Clips that are never trained on."""
        return self.clips.held_out()


def _of_stills(
    stills: LatentSet, count: int, chinese_share: float, rng: np.random.Generator
) -> FrameBatch:
    chances = np.array(stills.weights) / sum(stills.weights)
    rows = rng.choice(len(stills.subjects), size=count, p=chances).tolist()
    places = rng.integers(stills.latents.shape[1], size=count).tolist()
    codes = np.stack([stills.latents[row, at] for row, at in zip(rows, places, strict=True)])
    prompts = tuple(
        draw_caption(stills.subjects[row], "zh" if rng.random() < chinese_share else "en", rng)
        for row in rows
    )
    return FrameBatch(
        np.ascontiguousarray(rearrange(codes.astype(np.float32), "b z y x -> b z 1 y x")),
        prompts, ((FRONT,),) * count, np.zeros((count, 1), np.float32),
    )  # fmt: skip


def prepared_source(
    autoencoder: Loaded,
    cache: Path,
    device: str,
    kit_share: float,
    still_share: float,
    chinese_share: float,
    size_px: Literal[64, 128],
) -> ClipAndStillSource:
    """The clips of ``prepare/clips`` and the emoji of ``prepare/emoji``, encoded once.

    Raises:
        InputError: they are not prepared.
    """
    clips = prepared_clip_source(
        autoencoder, cache, device, kit_share, chinese_share=chinese_share, halve=size_px != SIZE_PX
    )  # fmt: skip
    stills = emoji_latents(autoencoder, cache, size_px, device) if still_share else None
    return ClipAndStillSource(clips, stills, still_share, chinese_share)
