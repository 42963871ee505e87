"""The clips that the motion layers learn from, encoded once by the frozen autoencoder.

Kit clips are whole; of an emoji animation a window of frames is drawn each time (`clip_windows`),
so all its frames are encoded. Both kinds are seen as the image U-Net saw their stills: an emoji
from the front.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from einops import rearrange
from jaxtyping import Float16, Float32, Int64

from common.training.emoji.emoji_clips import EmojiClips, load_clips
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_packages import CLIPS
from common.training.emoji.emoji_phrases import phrases
from common.training.emoji.emoji_split import load_split
from common.training.frames.clip_captions import KitClipSubject
from common.training.frames.clip_windows import draw_window
from common.training.kit.clip_parts import NUM_FRAMES, TRAIN_CLIPS, ClipPart
from common.training.kit.kit_clips import kit_clip_digest, load_kit_clips
from common.training.pictures.latent_files import encoded_once, latent_path
from common.training.pictures.latent_sets import LOOKALIKE_WEIGHT
from common.training.pictures.subjects import EmojiSubject
from common.zoo.models import Loaded

SIZE_PX = 128


@dataclass(frozen=True)
class KitClipLatents:
    """Latents of kit clips, which are drawn alike."""

    latents: Float16[np.ndarray, "n f z y x"]
    views: Float32[np.ndarray, "n 2"]
    """Azimuth and elevation of each clip, degrees."""
    subjects: tuple[KitClipSubject, ...]


@dataclass(frozen=True)
class EmojiClipLatents:
    """Latents of all frames of emoji animations, seen from the front: 24 frames a second."""

    frames: Float16[np.ndarray, "_ z y x"]
    """Frames of all animations; not all of them belong to these clips."""
    first: Int64[np.ndarray, " n"]
    """Where each clip begins in ``frames``."""
    num: Int64[np.ndarray, " n"]
    """How many frames each clip has, at least 16."""
    subjects: tuple[EmojiSubject, ...]
    weights: tuple[float, ...]
    """How often each clip is drawn."""

    def draw(self, index: int, rng: np.random.Generator) -> Float16[np.ndarray, "f z y x"]:
        """A window of 16 frames of one animation."""
        return self.frames[self.first[index] + draw_window(int(self.num[index]), rng, NUM_FRAMES)]


def kit_clip_latents(
    autoencoder: Loaded,
    cache: Path,
    device: str,
    part: ClipPart = TRAIN_CLIPS,
    halve: bool = False,
) -> KitClipLatents:
    """The latents of all clips of a part, whole or at half of their side, encoded once.

    Raises:
        InputError: the clips are not prepared.
    """
    sets = load_kit_clips(cache, part)
    name = f"kit_clips-{part.name}" + (f"-{SIZE_PX // 2}" if halve else "")
    path = latent_path(cache, autoencoder, name, kit_clip_digest(part))
    latents = encoded_once(path, autoencoder, [one.pixels for one in sets], device, halve)
    shots = [shot for one in sets for shot in one.shots]
    return KitClipLatents(
        rearrange(latents, "(n f) z y x -> n f z y x", f=NUM_FRAMES),
        np.array([(s.view.azimuth_deg, s.view.elevation_deg) for s in shots], np.float32),
        tuple(KitClipSubject(shot.facts, shot.motion) for shot in shots),
    )


def emoji_clip_latents(
    autoencoder: Loaded,
    cache: Path,
    device: str,
    held_out: bool = False,
    halve: bool = False,
) -> EmojiClipLatents:
    """The latents of the emoji animations, encoded unless the cache has them.

    Args:
        autoencoder: the frozen autoencoder.
        cache: where the animations are prepared.
        device: what to encode on.
        held_out: give the animations that training must leave out, instead of the others.
        halve: take the frames at half of their side.

    Raises:
        InputError: the animations are not prepared.
    """
    clips = load_clips(cache, SIZE_PX)
    digest = hashlib.sha256("".join(package.sha256 for package in CLIPS).encode()).hexdigest()
    path = latent_path(
        cache, autoencoder, f"emoji_clips-{SIZE_PX // 2 if halve else SIZE_PX}", digest
    )
    frames = encoded_once(path, autoencoder, clips.shards, device, halve)
    return chosen_clips(clips, frames, held_out)


def chosen_clips(
    clips: EmojiClips, frames: Float16[np.ndarray, "_ z y x"], held_out: bool
) -> EmojiClipLatents:
    """The animations of 16 frames or more that training may see, or those that it may not.

    Held out are the emoji of the split's ``reconstruction``: the autoencoder has seen neither
    their stills nor their animations, so these are new to everything but the image U-Net, which
    knows their stills. Motion can so be measured on animations that nobody has learnt from.
    """
    concepts, reserved = load_concepts(), frozenset(load_split().reconstruction)
    starts = np.cumsum([0, *map(len, clips.shards)])
    kept = [
        clip
        for clip in clips.clips
        if clip.num_frames >= NUM_FRAMES and (clip.key in reserved) == held_out
    ]
    described = [concepts[clip.key] for clip in kept]
    return EmojiClipLatents(
        frames,
        np.array([starts[clip.shard] + clip.first_frame for clip in kept], np.int64),
        np.array([clip.num_frames for clip in kept], np.int64),
        tuple(EmojiSubject(c.key, phrases(c, "en"), phrases(c, "zh")) for c in described),
        tuple(LOOKALIKE_WEIGHT if c.lookalike else 1.0 for c in described),
    )
