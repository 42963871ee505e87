"""What the motion measure is fitted to: features of changed ground-truth clips, and of no motion.

Of every trained clip: itself; three versions as a decoder might draw it, half of them mirrored,
half played backwards; its frames shuffled; every second time a still of it; and once a still that
drifts, melts, dissolves into another clip's, or has a spot that comes and goes.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from common.atomic import atomic_path
from common.judging import motion_tracks
from common.judging.motion_classifier import NONE
from common.judging.motion_features import motion_features
from common.seeding import generator_for
from common.training import motion_augmentation
from common.training.motion_augmentation import (
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
from common.training.motion_clips import MotionClips

NUM_DECODED = 3
_CHUNK = 20


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
    return motion_features(clip * 2 - 1)


def training_samples(folder: Path, clips: MotionClips, num_processes: int = 1) -> MotionSamples:
    """The samples of all clips, measured once for the present features and changes."""
    step = _CHUNK
    chunks = [slice(start, start + step) for start in range(0, len(clips.frames), step)]
    work = partial(_chunk_samples, folder)
    pieces = [
        (start.start, [one.motion for one in clips.planned[start]], clips.frames[start],
         np.roll(clips.frames, -step // 2, 0)[start])
        for start in chunks
    ]  # fmt: skip
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


Piece = tuple[int, list[str], np.ndarray, np.ndarray]


def _chunk_samples(folder: Path, piece: Piece) -> MotionSamples:
    """Samples of some clips from disk, or measured and stored."""
    path = folder / f"samples-{piece[0]:05d}-{_digest(piece)}.npz"
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


def _samples(piece: Piece) -> Iterator[tuple[Tensor, str]]:
    """All versions of some clips and what they show."""
    start, names, frames, others = piece
    for place, (name, own, other) in enumerate(zip(names, frames, others, strict=True)):
        number = start + place
        generator = generator_for(0, number, "motion samples")
        clip = float_clip(own)
        yield shuffled(clip, generator), NONE
        if number % 2:
            yield decoded(still(clip, generator), generator), NONE
        yield decoded(_no_motion(clip, float_clip(other), generator), generator), NONE
        yield clip, name
        for _ in range(NUM_DECODED):
            changed, shown = clip, name
            if uniform(0.0, 1.0, generator) < 0.5:
                changed, shown = mirrored(changed, shown)
            if uniform(0.0, 1.0, generator) < 0.5:
                changed, shown = reversed_clip(changed, shown)
            yield decoded(changed, generator), shown


def _no_motion(clip: Tensor, other: Tensor, generator: torch.Generator) -> Tensor:
    """One of the changes that are no motion, or shuffled frames as a decoder draws them."""
    which = int(torch.randint(5, (1,), generator=generator))
    if which == 0:
        return becoming(clip, other, generator)
    return (drifting, melting, spotted, shuffled)[which - 1](clip, generator)


def _digest(piece: Piece) -> str:
    """SHA-256 over the clips and over the sources that measure and change them."""
    digest = hashlib.sha256(piece[2].tobytes() + piece[3].tobytes())
    judging = Path(motion_tracks.__file__).parent
    sources = [Path(motion_augmentation.__file__), Path(__file__), *judging.glob("motion_*.py")]
    for path in sorted(sources):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
