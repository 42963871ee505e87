"""The emoji animations as arrays that training reads at the speed of memory.

The cache folder ``emoji/`` gets ``clips-<size>-<number>.npy`` for each of the four packages, uint8
``(frames, size, size, 4)`` with premultiplied alpha, all frames of all its animations one after the
other, and ``clips-<size>-<number>.json``, which says whose they are. A package (165 to 197 MB) is
downloaded, decoded and deleted before the next one. 734 animations of 28 to 97 frames at 24 frames
a second make 50,354 frames: 3.3 GB at 128 px, 0.8 GB at 64 px.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from common.atomic import atomic_path
from common.errors import InputError
from common.training.emoji.emoji_cache import load_array, new_array, read_index, write_index
from common.training.emoji.emoji_packages import CLIPS
from common.training.emoji.emoji_pixels import count_frames, emoji_files, read_frames
from common.training.emoji.npm_package import NpmPackage, unpacked_package


@dataclass(frozen=True)
class EmojiClip:
    """Where the frames of one animation lie in its shard, and how long they are shown."""

    key: str
    shard: int
    first_frame: int
    num_frames: int
    duration_ms: int

    @property
    def fps(self) -> float:
        """The mean frame rate."""
        return 1000.0 * self.num_frames / self.duration_ms


@dataclass(frozen=True)
class EmojiClips:
    """All animations at one size; ``shards`` (each n h w 4) are mapped from disk."""

    clips: tuple[EmojiClip, ...]
    shards: tuple[UInt8[np.ndarray, "_ h w 4"], ...]

    def frames(self, clip: EmojiClip) -> UInt8[np.ndarray, "f h w 4"]:
        """The frames of one clip, premultiplied: a view of the mapped file, not a copy."""
        return self.shards[clip.shard][clip.first_frame : clip.first_frame + clip.num_frames]


def prepare_clips(cache: Path, size_px: int = 128) -> Iterator[Path]:
    """Download, decode and store the animations package by package, unless they are there.

    Yields:
        The index file of each package when it is complete.
    """
    for shard, package in enumerate(CLIPS):
        index = clip_index(cache, size_px, shard)
        if read_index(index, package.sha256) is None:
            with unpacked_package(
                package, cache, patterns=("assets/*.webp",), keep=False
            ) as unpacked:
                store_clips(unpacked, index, size_px, shard, package.sha256)
        yield index


def store_clips(unpacked: Path, index: Path, size_px: int, shard: int, source_sha256: str) -> None:
    """Decode the animations of an unpacked package; pictures of one frame are left out.

    The array is written beside ``index`` under the same name, the index last.
    """
    paths = emoji_files(unpacked)
    moving = {key: num for key, path in paths.items() if (num := count_frames(path)) > 1}
    if not moving:
        raise InputError(f"{unpacked} holds {len(paths)} emoji and no animation.")
    index.unlink(missing_ok=True)
    clips: list[EmojiClip] = []
    first = 0
    with atomic_path(index.with_suffix(".npy")) as partial:
        array = new_array(partial, sum(moving.values()), size_px)
        for key, num in moving.items():
            duration_ms = 0
            for offset, (frame, shown_ms) in enumerate(read_frames(paths[key], size_px)):
                array[first + offset] = frame
                duration_ms += shown_ms
            clips.append(EmojiClip(key, shard, first, num, duration_ms))
            first += num
        array.flush()  # type: ignore[attr-defined]
    content = {"size_px": size_px, "num_frames": first, "clips": [asdict(clip) for clip in clips]}
    write_index(index, source_sha256, content)


def load_clips(
    cache: Path, size_px: int = 128, packages: tuple[NpmPackage, ...] = CLIPS
) -> EmojiClips:
    """Map all prepared animations of one size.

    Raises:
        InputError: a package is not prepared at this size, or a file is damaged.
    """
    clips: list[EmojiClip] = []
    shards: list[np.ndarray] = []
    for shard, package in enumerate(packages):
        path = clip_index(cache, size_px, shard)
        index = read_index(path, package.sha256)
        if index is None:
            raise InputError(
                f"{path.parent} holds no animations of {package.spec} at {size_px} px. Prepare "
                "them first; that needs npm and, once, a network."
            )
        clips += [EmojiClip(**clip) for clip in index["clips"]]
        shards.append(load_array(path.with_suffix(".npy"), index["num_frames"], size_px))
    return EmojiClips(clips=tuple(clips), shards=tuple(shards))


def clip_index(cache: Path, size_px: int, shard: int) -> Path:
    """The index file of the animations of package number ``shard`` (from 0)."""
    return cache / "emoji" / f"clips-{size_px}-{shard + 1}.json"
