"""What the motion measure is fitted to: features of changed ground-truth clips, and of no motion.

Of every trained clip: itself; three versions as a decoder might draw it, half of them mirrored,
half played backwards; its frames shuffled; half of the time a still of it; and two stills that
drift, melt, dissolve into another clip's, or have a spot that comes and goes. A third of what is no
motion is as clean as a render, so that to be clean is no sign of motion.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from common.atomic import atomic_path
from common.judging import (
    motion_changes,
    motion_features,
    motion_parts,
    motion_rotation,
    motion_tracks,
)
from common.judging.motion_classifier import NONE
from common.seeding import generator_for
from common.training.motion import motion_augmentation
from common.training.motion.motion_augmentation import (
    becoming,
    decoded,
    drifting,
    melting,
    mirrored,
    reversed_clip,
    shuffled,
    spotted,
    still,
    uniform,
)
from common.training.motion.motion_clips import MotionClips

NUM_DECODED = 3
CLEAN_SHARE = 1 / 3
_CHUNK = 20
_SOURCES = (
    motion_augmentation, motion_changes, motion_features, motion_parts, motion_rotation,
    motion_tracks,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class MotionSamples:
    """Features with the names of what they show."""

    features: Float[Tensor, "n d"]
    names: tuple[str, ...]


def float_clip(frames: UInt8[np.ndarray, "f h w 4"]) -> Float[Tensor, "4 f h w"]:
    """8-bit premultiplied frames as a clip in [0, 1]."""
    return rearrange(torch.from_numpy(frames).float() / 255, "f h w c -> c f h w").contiguous()


def features_of(clip: Float[Tensor, "4 f h w"]) -> Float[Tensor, " d"]:
    """Features of a clip in [0, 1]."""
    return motion_features.motion_features(clip * 2 - 1)


def training_samples(folder: Path, clips: MotionClips, num_processes: int = 1) -> MotionSamples:
    """The samples of all clips, measured once for the present features and changes."""
    work = partial(_chunk_samples, folder)
    pieces = [
        _Piece(
            start,
            tuple(one.motion for one in clips.planned[start : start + _CHUNK]),
            clips.frames[start : start + _CHUNK],
        )
        for start in range(0, len(clips.frames), _CHUNK)
    ]
    if num_processes == 1:
        made = [work(piece) for piece in pieces]
    else:
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import get_context

        context = get_context("spawn")
        with ProcessPoolExecutor(num_processes, context, torch.set_num_threads, (1,)) as pool:
            made = list(pool.map(work, pieces))
    features = torch.cat([one.features for one in made])
    return MotionSamples(features, tuple(name for one in made for name in one.names))


class _Piece(NamedTuple):
    """Some clips that follow one another, from number ``start`` on."""

    start: int
    motions: tuple[str, ...]
    frames: UInt8[np.ndarray, "n f h w 4"]


def _chunk_samples(folder: Path, piece: _Piece) -> MotionSamples:
    """Samples of some clips from disk, or measured and stored."""
    path = folder / f"samples-{piece.start:05d}-{_digest(piece)}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return MotionSamples(
                torch.from_numpy(stored["features"]), tuple(stored["names"].tolist())
            )
    made = list(_samples(piece))
    features = torch.stack([features_of(clip) for clip, _ in made])
    names = tuple(name for _, name in made)
    with atomic_path(path) as written, written.open("wb") as file:
        np.savez_compressed(file, features=features.numpy(), names=np.array(names))
    return MotionSamples(features, names)


def _samples(piece: _Piece) -> Iterator[tuple[Tensor, str]]:
    """All versions of some clips and what they show."""
    for place, (name, frames) in enumerate(zip(piece.motions, piece.frames, strict=True)):
        generator = generator_for(0, piece.start + place, "motion samples")
        clip, other = float_clip(frames), float_clip(piece.frames[place - 1])
        for spoilt in _no_motion(clip, other, generator):
            is_clean = uniform(0.0, 1.0, generator) < CLEAN_SHARE
            yield spoilt if is_clean else decoded(spoilt, generator), NONE
        yield clip, name
        for _ in range(NUM_DECODED):
            changed, shown = clip, name
            if uniform(0.0, 1.0, generator) < 0.5:
                changed, shown = mirrored(changed, shown)
            if uniform(0.0, 1.0, generator) < 0.5:
                changed, shown = reversed_clip(changed, shown)
            yield decoded(changed, generator), shown


def _no_motion(clip: Tensor, other: Tensor, generator: torch.Generator) -> Iterator[Tensor]:
    """What is made of a clip that shows no motion."""
    yield shuffled(clip, generator)
    if uniform(0.0, 1.0, generator) < 0.5:
        yield still(clip, generator)
    for _ in range(2):
        which = int(torch.randint(5, (1,), generator=generator))
        if which == 0:
            yield becoming(clip, other, generator)
        else:
            yield (drifting, drifting, melting, spotted)[which - 1](clip, generator)


def _digest(piece: _Piece) -> str:
    """SHA-256 over the clips and over the sources that change and measure them."""
    digest = hashlib.sha256(repr((piece.start, piece.motions)).encode() + piece.frames.tobytes())
    for path in (Path(__file__), *(Path(str(module.__file__)) for module in _SOURCES)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
