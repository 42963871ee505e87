"""Reading clips: by chunks and within bounds, at the file's frame rate or a requested one.

decord reads where it is right, PyAV everywhere else; both give the same pixels. Damage anywhere in
the part that is read is an error, never a guess.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from common.errors import InputError
from common.media.decord_reader import DecordUnfitError, decord_frames, suits_decord
from common.media.frame_rates import Fps, as_rate, shown_at
from common.media.pyav_reader import check_decodable, pyav_frames
from common.media.video_probe import ReadLimits, VideoInfo, probe
from common.media.webp_frames import webp_frames
from common.shapes import Frames

MAX_CLIP_BYTES = 2**31
"""Largest clip that ``read_clip`` holds in memory; longer ones are read by chunks."""


@dataclass(frozen=True)
class Clip:
    """Decoded frames, 3 channels RGB or 4 straight RGBA, shown at ``rate`` frames/s."""

    frames: Frames
    rate: Fraction


def read_clip(
    path: Path,
    *,
    fps: Fps | None = None,
    max_frames: int | None = None,
    limits: ReadLimits | None = None,
) -> Clip:
    """Read a whole video, GIF or WebP.

    Args:
        path: the file.
        fps: resample to this rate: frame ``k`` is what is on the screen at ``k / fps``. None keeps
            the file's own rate, and every frame of it where that is regular.
        max_frames: read no more than the first so many.
        limits: what to refuse.

    Raises:
        InputError: unreadable, damaged or cut off, over the limits, or more than 2 GiB of pixels.
    """
    info = probe(path, limits)
    rate = info.rate if fps is None else as_rate(fps)
    picks = _picks(info, rate, max_frames)
    size = len(picks) * info.width * info.height * (4 if info.has_alpha else 3)
    if size > MAX_CLIP_BYTES:
        raise InputError(
            f"{path}: {len(picks)} frames of {info.width}x{info.height} take {size / 2**30:.1f} "
            f"GiB, more than {MAX_CLIP_BYTES / 2**30:g}; read fewer frames or scale it down"
        )
    return Clip(np.stack(list(_picked(info, picks))), rate)


def iter_clip(
    path: Path,
    *,
    fps: Fps | None = None,
    max_frames: int | None = None,
    chunk_frames: int = 16,
    limits: ReadLimits | None = None,
) -> Iterator[Frames]:
    """The same frames by chunks of ``chunk_frames`` (the last may be shorter).

    Memory does not grow with the clip. Damage raises where it is met, after the chunks before it.
    """
    info = probe(path, limits)
    rate = info.rate if fps is None else as_rate(fps)
    frames = _picked(info, _picks(info, rate, max_frames))
    while chunk := list(itertools.islice(frames, chunk_frames)):
        yield np.stack(chunk)


def _picks(info: VideoInfo, rate: Fraction, max_frames: int | None) -> list[int]:
    if max_frames is not None and max_frames < 1:
        raise InputError(f"{info.path}: at least 1 frame must be read, not {max_frames}")
    return shown_at(info.starts, info.duration, rate)[:max_frames]


def _picked(info: VideoInfo, picks: Sequence[int]) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    """The stored frames at rising, possibly repeated positions."""
    wanted = list(dict.fromkeys(picks))
    repeats = {index: len(list(group)) for index, group in itertools.groupby(picks)}
    for index, frame in zip(wanted, _stored(info, wanted), strict=True):
        for _ in range(repeats[index]):
            yield frame


def _stored(info: VideoInfo, wanted: Sequence[int]) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    if info.kind == "webp":
        yield from _only(webp_frames(info.path, info.has_alpha), wanted)
        return
    done = 0
    if suits_decord(info):
        # decord conceals damage, so PyAV looks first.
        first = check_decodable(info, wanted[-1] + 1)
        try:
            for frame in decord_frames(info, wanted, first):
                yield frame
                done += 1
            return
        except DecordUnfitError:
            pass
    yield from _only(pyav_frames(info), wanted[done:])


def _only(
    frames: Iterator[UInt8[np.ndarray, "h w c"]], wanted: Sequence[int]
) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    keep = set(wanted)
    for index, frame in enumerate(frames):
        if index in keep:
            yield frame
        if index >= wanted[-1]:
            return
