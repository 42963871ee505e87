"""Ground-truth clips of the kit for the motion measure: which, rendered once, read back from disk.

A clip's object, motion and camera follow from its part and its number alone; clip ``i`` shows
motion ``i mod 10``, so every beginning of a part has all motions alike. The cache folder gets
``<part>-<number>-<digest>.npz`` for every 20 clips; the digest is of the kit's sources and of what
the clips are, so a change of either renders them anew.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import UInt8

from common.atomic import atomic_path
from common.errors import InputError
from common.kit import catalogue
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.clips import render_clip
from common.kit.instances import instance
from common.kit.kit_object import KitObject
from common.kit.motions import MOTIONS, Motion, MotionName, motion_named, suits
from common.kit.split import (
    is_azimuth_held_out,
    is_colour_held_out,
    is_instance_held_out,
    is_motion_held_out,
)
from common.kit.views import FRONT, View, sample_view
from common.seeding import stream_seed
from common.training.kit.kit_pictures import kit_digest

MotionPart = Literal["trained", "instances", "pairs"]
MOTION_PARTS: tuple[MotionPart, ...] = get_args(MotionPart)
NUM_FRAMES = 16
CLIPS_PER_FILE = 20
SIZES_PX: dict[MotionPart, int] = {"trained": 64, "instances": 128, "pairs": 128}
"""The measure looks at 64 px; held-out clips have the size at which clips are generated."""
FRONT_SHARE = 0.5
FACE_WITHIN_DEG = 50.0
"""Who talks is seen from at most so far to the side: from behind nobody sees it."""
SEEDS = 100_000
_MOVE_THINGS = ("clips.py", "motions.py", "speech.py", "split.json")


@dataclass(frozen=True)
class PlannedClip:
    """What a clip shows, without its pictures."""

    part: MotionPart
    number: int
    category: str
    motion: MotionName
    first_seed: int
    """The object is the first instance from here that the part may show."""
    view: View


@dataclass(frozen=True, eq=False)
class MotionClips:
    """Clips and what they show, row by row."""

    planned: tuple[PlannedClip, ...]
    frames: UInt8[np.ndarray, "n f h w 4"]
    """Premultiplied."""


def planned_clips(part: MotionPart, per_motion: int) -> tuple[PlannedClip, ...]:
    """The first ``per_motion`` clips of every motion.

    ``trained`` has nothing that is held out, ``instances`` has held-out objects in trained
    (category, motion) pairs, ``pairs`` has objects that may be trained on in held-out pairs.
    """
    columns = [_clips_of(part, motion, per_motion) for motion in MOTIONS]
    return tuple(one for row in zip(*columns, strict=True) for one in row)


def prepare_motion_clips(
    folder: Path, part: MotionPart, per_motion: int, num_processes: int = 1
) -> Iterator[Path]:
    """Render the clips that ``folder`` does not have.

    Yields:
        Each file, when it is there.
    """
    groups = _groups(planned_clips(part, per_motion))
    if num_processes == 1:
        for group in groups:
            yield _stored(folder, group)
        return
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    context = get_context("spawn")
    with ProcessPoolExecutor(num_processes, context, torch.set_num_threads, (1,)) as pool:
        yield from pool.map(partial(_stored, folder), groups)


def load_motion_clips(folder: Path, part: MotionPart, per_motion: int) -> MotionClips:
    """Read prepared clips.

    Raises:
        InputError: some are not there.
    """
    planned = planned_clips(part, per_motion)
    frames = []
    for group in _groups(planned):
        path = _file(folder, group)
        try:
            with np.load(path, allow_pickle=False) as stored:
                frames.append(stored["frames"])
        except (OSError, ValueError, KeyError) as broken:
            raise InputError(f"{path} holds no clips of the present kit: {broken}") from broken
    return MotionClips(planned, np.concatenate(frames))


def shown_object(planned: PlannedClip) -> KitObject:
    """The object of a clip: the first instance from its seed that its part may show."""
    category = category_named(planned.category)
    for seed in range(planned.first_seed, planned.first_seed + SEEDS):
        if is_instance_held_out(category.name, seed) != (planned.part == "instances"):
            continue
        found = instance(category, seed)
        if planned.part == "instances" or not is_colour_held_out(category.name, found.facts.main):
            return found
    raise InputError(f"no instance of '{category.name}' may be shown from {planned.first_seed} on")


def rendered_clip(planned: PlannedClip, size_px: int) -> UInt8[np.ndarray, "f h w 4"]:
    """The frames of a clip as 8-bit premultiplied pictures."""
    clip = render_clip(
        shown_object(planned),
        motion_named(planned.motion),
        planned.view,
        NUM_FRAMES,
        _rng(f"{planned.part}/{planned.motion}/moves", planned.number),
        size_px,
    )
    return (clip.frames.rgba.clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def _clips_of(part: MotionPart, motion: Motion, count: int) -> list[PlannedClip]:
    """Clips of one motion, going round the categories in a shuffled order."""
    names = [
        category.name
        for category in CATEGORIES
        if suits(motion, category)
        and is_motion_held_out(category.name, motion.name) == (part == "pairs")
    ]
    rng = _rng(f"{part}/{motion.name}/order", 0)
    order = np.concatenate([rng.permutation(len(names)) for _ in range(-(-count // len(names)))])
    found = []
    for number in range(count):
        own = _rng(f"{part}/{motion.name}/what", number)
        seed, view = int(own.integers(SEEDS)), _view(part, motion.name, own)
        found.append(PlannedClip(part, number, names[order[number]], motion.name, seed, view))
    return found


def _view(part: MotionPart, motion: MotionName, rng: np.random.Generator) -> View:
    """Half of the time the front view; else one at random that the part may show."""
    front, view = rng.uniform() < FRONT_SHARE, sample_view(rng)
    while not _may_show(part, motion, view):
        view = sample_view(rng)
    return FRONT if front else view


def _may_show(part: MotionPart, motion: MotionName, view: View) -> bool:
    aside = min(view.azimuth_deg, 360.0 - view.azimuth_deg)
    if motion == "talk" and aside > FACE_WITHIN_DEG:
        return False
    return part != "trained" or not is_azimuth_held_out(view.azimuth_deg)


def _rng(purpose: str, number: int) -> np.random.Generator:
    return np.random.default_rng(stream_seed(0, number, f"motion clips/{purpose}"))


def _groups(planned: Sequence[PlannedClip]) -> list[tuple[PlannedClip, ...]]:
    step = CLIPS_PER_FILE
    return [tuple(planned[start : start + step]) for start in range(0, len(planned), step)]


def _file(folder: Path, group: tuple[PlannedClip, ...]) -> Path:
    """Where a group of clips is stored."""
    digest = hashlib.sha256(kit_digest().encode())
    kit = Path(catalogue.__file__).parent
    for name in _MOVE_THINGS:
        digest.update((kit / name).read_bytes())
    content = [SIZES_PX[group[0].part], NUM_FRAMES, [asdict(one) for one in group]]
    digest.update(json.dumps(content).encode())
    place = (group[0].number * len(MOTIONS)) // CLIPS_PER_FILE
    return folder / f"{group[0].part}-{place:04d}-{digest.hexdigest()[:16]}.npz"


def _stored(folder: Path, group: tuple[PlannedClip, ...]) -> Path:
    path = _file(folder, group)
    if not path.is_file():
        frames = np.stack([rendered_clip(one, SIZES_PX[one.part]) for one in group])
        with atomic_path(path) as written, written.open("wb") as file:
            np.savez_compressed(file, frames=frames)
    return path
