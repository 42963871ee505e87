"""Pairs of pictures of one thing: what an image prompt shows, and what is to be drawn of it.

Of a kit object the other picture is another moment of its clip, or another object of the same
category and main colour; of an emoji the still moved a little, or a moment of its animation.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float16, Float32, Float64

from common.embedded.image_unet import FRONT, View
from common.training.emoji.emoji_concepts import Language
from common.training.emoji.emoji_split import load_split
from common.training.frames.clip_captions import KitClipSubject
from common.training.frames.clip_latents import (
    EmojiClipLatents,
    KitClipLatents,
    emoji_clip_latents,
    kit_clip_latents,
)
from common.training.kit.clip_parts import INSTANCE_CLIPS
from common.training.pictures.latent_sets import LatentSet, emoji_latents
from common.training.pictures.subjects import EmojiSubject, KitSubject, draw_caption, plain_caption
from common.zoo.models import Loaded

_OF_ANIMATION = 0.4
"""Share of the emoji that are shown by a moment of their animation, where they have one."""


@dataclass(frozen=True)
class ImagePairs:
    """Pictures, what each is of, and how they are told."""

    shown: Float32[np.ndarray, "b z y x"]
    """Latents of image prompts."""
    drawn: Float32[np.ndarray, "b z y x"]
    """Latents of what is to be drawn."""
    captions: tuple[str, ...]
    plain: tuple[str, ...]
    """The captions in one wording and language."""
    views: tuple[View | None, ...]
    """Of what is to be drawn; None does not say."""


@dataclass(frozen=True)
class ImagePairSource:
    """Kit clips and emoji to draw pairs from, and held-out ones to measure on."""

    kit: KitClipLatents
    measured_kit: KitClipLatents
    emoji: LatentSet
    animations: EmojiClipLatents
    kit_share: float
    """Share of the pairs that show kit objects."""
    same_share: float
    """Share of those that show the same object twice."""
    view_dropout: float
    chinese_share: float

    def draw(self, count: int, rng: np.random.Generator) -> ImagePairs:
        """Pairs at random; emoji of the split's ``reconstruction`` are left out."""
        shown, drawn, captions, plain, views = [], [], [], [], []
        for _ in range(count):
            of_kit, same, blind, chinese = rng.random(4) < (
                self.kit_share, self.same_share, self.view_dropout, self.chinese_share
            )  # fmt: skip
            language: Language = "zh" if chinese else "en"
            if of_kit:
                row = int(rng.integers(len(self.kit.subjects)))
                others = self._alike[self._look(row)]
                other = row if same else others[int(rng.integers(len(others)))]
                shown.append(_moment(self.kit.latents[other], rng))
                drawn.append(_moment(self.kit.latents[row], rng))
                still = _still(self.kit.subjects[row])
                captions.append(draw_caption(still, language, rng))
                plain.append(plain_caption(still))
                view = View(*map(float, self.kit.views[row]))
            else:
                row = int(rng.choice(len(self._chances), p=self._chances))
                subject = self.emoji.subjects[row]
                assert isinstance(subject, EmojiSubject)
                own = self.emoji.latents[row]
                first, second = rng.permutation(len(own))[:2].tolist()
                animation = self._animated.get(subject.key)
                if animation is not None and rng.random() < _OF_ANIMATION:
                    shown.append(_moment(self.animations.draw(animation, rng), rng))
                else:
                    shown.append(own[first])
                drawn.append(own[second])
                captions.append(draw_caption(subject, language, rng))
                plain.append(plain_caption(subject))
                view = FRONT
            views.append(None if blind else view)
        return ImagePairs(
            _stacked(shown), _stacked(drawn), tuple(captions), tuple(plain), tuple(views)
        )

    def plain_captions(self) -> tuple[str, ...]:
        """Of all training pictures, each once."""
        of_kit = [plain_caption(_still(subject)) for subject in self.kit.subjects]
        of_emoji = [
            plain_caption(subject)
            for subject, kept in zip(self.emoji.subjects, self._kept, strict=True)
            if kept
        ]
        return tuple(dict.fromkeys([*of_kit, *of_emoji]))

    def held_out(self) -> Mapping[str, ImagePairs]:
        """The first and a later moment of new kit objects; emoji that are left out, and moved."""
        subjects = self.measured_kit.subjects
        of_kit = tuple(plain_caption(_still(one)) for one in subjects)
        kit = ImagePairs(
            _stacked([clip[0] for clip in self.measured_kit.latents]),
            _stacked([clip[len(clip) // 3] for clip in self.measured_kit.latents]),
            of_kit,
            of_kit,
            tuple(View(*map(float, view)) for view in self.measured_kit.views),
        )
        rows = [row for row, chance in enumerate(self._kept) if not chance]
        of_emoji = tuple(plain_caption(self.emoji.subjects[row]) for row in rows)
        emoji = ImagePairs(
            _stacked([self.emoji.latents[row, 0] for row in rows]),
            _stacked([self.emoji.latents[row, 1] for row in rows]),
            of_emoji,
            of_emoji,
            (FRONT,) * len(rows),
        )
        return {"kit": kit, "emoji": emoji}

    def _look(self, row: int) -> tuple[str, str]:
        facts = self.kit.subjects[row].facts
        return facts.category.name, str(facts.main)

    @cached_property
    def _alike(self) -> dict[tuple[str, str], list[int]]:
        """The clips of each category and main colour."""
        found = defaultdict(list)
        for row in range(len(self.kit.subjects)):
            found[self._look(row)].append(row)
        return found

    @cached_property
    def _animated(self) -> dict[str, int]:
        return {subject.key: row for row, subject in enumerate(self.animations.subjects)}

    @cached_property
    def _kept(self) -> list[bool]:
        reserved = frozenset(load_split().reconstruction)
        keys = [one.key for one in self.emoji.subjects if isinstance(one, EmojiSubject)]
        return [key not in reserved for key in keys]

    @cached_property
    def _chances(self) -> Float64[np.ndarray, " n"]:
        weights = np.array(self.emoji.weights) * np.array(self._kept)
        return weights / weights.sum()


def open_image_pairs(
    autoencoder: Loaded,
    cache: Path,
    device: str,
    kit_share: float,
    same_share: float,
    view_dropout: float,
    chinese_share: float,
) -> ImagePairSource:
    """The clips and emoji of ``prepare/clips`` and ``prepare/emoji``, encoded once.

    Raises:
        InputError: they are not prepared.
    """
    return ImagePairSource(
        kit_clip_latents(autoencoder, cache, device),
        kit_clip_latents(autoencoder, cache, device, INSTANCE_CLIPS),
        emoji_latents(autoencoder, cache, 128, device),
        emoji_clip_latents(autoencoder, cache, device),
        kit_share, same_share, view_dropout, chinese_share,
    )  # fmt: skip


def _still(subject: KitClipSubject) -> KitSubject:
    """The object without its motion, which a picture does not show."""
    return KitSubject(subject.facts)


def _moment(
    clip: Float16[np.ndarray, "f z y x"], rng: np.random.Generator
) -> Float16[np.ndarray, "z y x"]:
    return clip[int(rng.integers(len(clip)))]


def _stacked(rows: list[np.ndarray]) -> Float32[np.ndarray, "b z y x"]:
    return np.stack(rows).astype(np.float32)
