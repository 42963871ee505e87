"""Clips as the motion layers' training takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from einops import rearrange
from jaxtyping import Float16, Float32

from common.embedded.image_unet import FRONT, View
from common.kit.captions import Mention
from common.kit.motions import motion_caption
from common.training.frames.clip_captions import ClipSubject, draw_clip_caption
from common.training.frames.clip_latents import (
    EmojiClipLatents,
    KitClipLatents,
    emoji_clip_latents,
    kit_clip_latents,
)
from common.training.frames.frame_batch import FrameBatch
from common.training.kit.clip_parts import INSTANCE_CLIPS
from common.zoo.models import Loaded

NUM_HELD_OUT = 64


@dataclass(frozen=True)
class ClipSource:
    """Kit clips and emoji animations, and held-out kit clips to measure on."""

    kit: KitClipLatents
    emoji: EmojiClipLatents
    measured: KitClipLatents
    kit_share: float
    """Share of the clips that show kit objects."""
    view_dropout: float
    """Share of the clips that are shown without a view."""
    chinese_share: float
    """Share of the captions that are Chinese."""

    def draw(self, count: int, rng: np.random.Generator) -> FrameBatch:
        """Clips at random: kit clips alike, animations by their weights."""
        codes: list[np.ndarray] = []
        prompts: list[str] = []
        views: list[tuple[View, ...] | None] = []
        chances = np.array(self.emoji.weights) / sum(self.emoji.weights)
        for _ in range(count):
            of_kit, chinese, blind = rng.random(3) < (
                self.kit_share, self.chinese_share, self.view_dropout
            )  # fmt: skip
            subject: ClipSubject
            if of_kit:
                row = int(rng.integers(len(self.kit.subjects)))
                subject, view = self.kit.subjects[row], View(*map(float, self.kit.views[row]))
                codes.append(self.kit.latents[row])
            else:
                row = int(rng.choice(len(chances), p=chances))
                subject, view = self.emoji.subjects[row], FRONT
                codes.append(self.emoji.draw(row, rng))
            prompts.append(draw_clip_caption(subject, "zh" if chinese else "en", rng))
            views.append(None if blind else (view,) * len(codes[-1]))
        return _batch(codes, prompts, views)

    def held_out(self) -> FrameBatch:
        """Clips of held-out instances, evenly chosen, with plain captions, from the front."""
        subjects = self.measured.subjects
        count = min(NUM_HELD_OUT, len(subjects))
        rows = np.linspace(0, len(subjects) - 1, count).round().astype(int).tolist()
        codes = [self.measured.latents[row] for row in rows]
        prompts = [
            motion_caption(subjects[row].facts, subjects[row].motion, "en", Mention(main=True))
            for row in rows
        ]
        views = [(View(*map(float, self.measured.views[row])),) * len(codes[0]) for row in rows]
        return _batch(codes, prompts, views)


def prepared_clip_source(
    autoencoder: Loaded,
    cache: Path,
    device: str = "cpu",
    kit_share: float = 0.7,
    view_dropout: float = 0.5,
    chinese_share: float = 0.35,
    halve: bool = False,
) -> ClipSource:
    """The clips of ``prepare/clips`` and ``prepare/emoji``, encoded once.

    Raises:
        InputError: they are not prepared.
    """
    return ClipSource(
        kit_clip_latents(autoencoder, cache, device, halve=halve),
        emoji_clip_latents(autoencoder, cache, device, halve=halve),
        kit_clip_latents(autoencoder, cache, device, INSTANCE_CLIPS, halve),
        kit_share, view_dropout, chinese_share,
    )  # fmt: skip


def _batch(
    codes: Sequence[Float16[np.ndarray, "f z y x"]],
    prompts: Sequence[str],
    views: Sequence[tuple[View, ...] | None],
) -> FrameBatch:
    latents: Float32[np.ndarray, "b f z y x"] = np.stack(codes).astype(np.float32)
    times = np.broadcast_to(np.arange(latents.shape[1], dtype=np.float32), latents.shape[:2])
    return FrameBatch(
        np.ascontiguousarray(rearrange(latents, "b f z y x -> b z f y x")),
        tuple(prompts), tuple(views), times.copy(),
    )  # fmt: skip
