"""Latents with the classes that they show: frames of kit clips, emoji stills and animations."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32, Float64, Int64

from common.embedded.class_names import ClassNames
from common.training.emoji.emoji_concepts import load_concepts
from common.training.frames.clip_captions import KitClipSubject
from common.training.frames.clip_latents import (
    EmojiClipLatents,
    KitClipLatents,
    emoji_clip_latents,
    kit_clip_latents,
)
from common.training.kit.clip_parts import INSTANCE_CLIPS
from common.training.pictures.latent_sets import LatentSet, emoji_latents
from common.training.pictures.subjects import EmojiSubject
from common.zoo.models import Loaded

UNSAID = -1
"""In the place of a class: nothing is known of it."""
_SIDE_PX = 128


class Labelled(NamedTuple):
    """Clean latents and their classes."""

    latents: Float32[np.ndarray, "b z y x"]
    what: Int64[np.ndarray, " b"]
    colour: Int64[np.ndarray, " b"]
    """Of kit objects; `UNSAID` for emoji."""


@dataclass(frozen=True)
class LabelledSource:
    """What is drawn from, and what is held out: new kit objects, and a place of each emoji."""

    names: ClassNames
    kit: KitClipLatents
    measured_kit: KitClipLatents
    emoji: LatentSet
    animations: EmojiClipLatents
    kit_share: float
    """Share of the samples that show kit objects."""
    animated_share: float
    """Share of the emoji samples that are a moment of an animation, where there is one."""

    def draw(self, count: int, rng: np.random.Generator) -> Labelled:
        """Samples at random. The last place of each emoji is left to measure on."""
        codes, whats, colours = [], [], []
        for of_kit, animated in rng.random((count, 2)) < (self.kit_share, self.animated_share):
            if of_kit:
                row = int(rng.integers(len(self.kit.subjects)))
                clip = self.kit.latents[row]
                codes.append(clip[int(rng.integers(len(clip)))])
                what, colour = self._of_kit(self.kit.subjects[row])
            else:
                row = int(rng.choice(len(self._chances), p=self._chances))
                what, colour = int(self._classes[row]), UNSAID
                clip = self._animations.get(row)
                if animated and clip is not None:
                    moments = self.animations.draw(clip, rng)
                    codes.append(moments[int(rng.integers(len(moments)))])
                else:
                    places = self.emoji.latents[row]
                    codes.append(places[int(rng.integers(len(places) - 1))])
            whats.append(what)
            colours.append(colour)
        return _labelled(codes, whats, colours)

    def held_out(self) -> dict[str, Labelled]:
        """First frames of new kit objects; each emoji where training has not put it."""
        subjects = [self._of_kit(one) for one in self.measured_kit.subjects]
        rows = np.flatnonzero(self._classes != UNSAID).tolist()
        return {
            "kit": _labelled(
                [clip[0] for clip in self.measured_kit.latents],
                [what for what, _ in subjects], [colour for _, colour in subjects],
            ),
            "emoji": _labelled(
                [self.emoji.latents[row, -1] for row in rows],
                self._classes[rows].tolist(), [UNSAID] * len(rows),
            ),
        }  # fmt: skip

    def _of_kit(self, subject: KitClipSubject) -> tuple[int, int]:
        facts = subject.facts
        wanted = self.names.named([facts.category.noun.english, str(facts.main)])
        assert wanted.what is not None
        assert wanted.colour is not None
        return wanted.what, wanted.colour

    @cached_property
    def _classes(self) -> Int64[np.ndarray, " n"]:
        """The class of each row of the stills."""
        of_key = dict(zip(load_concepts(), self.names.of_emoji, strict=True))
        found = [of_key[one.key] for one in self.emoji.subjects if isinstance(one, EmojiSubject)]
        return np.array([UNSAID if one is None else one for one in found], np.int64)

    @cached_property
    def _chances(self) -> Float64[np.ndarray, " n"]:
        known = (self._classes != UNSAID).astype(np.float64)
        return known / known.sum()

    @cached_property
    def _animations(self) -> dict[int, int]:
        """The animation of each row of the stills that has one."""
        at = {one.key: place for place, one in enumerate(self.animations.subjects)}
        keys = [one.key for one in self.emoji.subjects if isinstance(one, EmojiSubject)]
        return {row: at[key] for row, key in enumerate(keys) if key in at}


def open_labelled(
    names: ClassNames,
    autoencoder: Loaded,
    cache: Path,
    device: str,
    kit_share: float,
    animated_share: float,
) -> LabelledSource:
    """The clips and emoji of ``prepare/clips`` and ``prepare/emoji``, encoded once.

    Raises:
        InputError: they are not prepared.
    """
    return LabelledSource(
        names,
        kit_clip_latents(autoencoder, cache, device),
        kit_clip_latents(autoencoder, cache, device, INSTANCE_CLIPS),
        emoji_latents(autoencoder, cache, _SIDE_PX, device),
        emoji_clip_latents(autoencoder, cache, device),
        kit_share, animated_share,
    )  # fmt: skip


def _labelled(codes: list[np.ndarray], whats: list[int], colours: list[int]) -> Labelled:
    stacked = np.stack(codes).astype(np.float32)
    return Labelled(stacked, np.array(whats, np.int64), np.array(colours, np.int64))
