"""Sets of one's own clips: found in folders, checked before they are read, read within bounds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import InputError
from common.media.frame_rates import as_rate, shown_at
from common.media.video_probe import VideoInfo, probe
from common.media.video_read import read_clip
from common.shapes import Frames
from video.evaluation.clip_distance_config import ClipDistanceConfig, ClipFormat

LEAST_CLIPS = 16
"""Of either set: of fewer, covariances say nothing."""
MOST_CLIPS = 10_000
_SAMPLES = "samples"


@dataclass(frozen=True)
class ClipSets:
    """The clips of both sets, all of which can be measured alike."""

    real: tuple[Path, ...]
    drawn: tuple[Path, ...]
    sizes: tuple[str, ...]
    """Widths and heights that occur."""
    transparent: bool
    """Whether clips of both sets can be seen through."""


def clip_sets(config: ClipDistanceConfig) -> ClipSets:
    """Find and probe all clips; no pixels are read but those of first frames.

    Raises:
        InputError: fewer than `LEAST_CLIPS` of either, clips that are too short, unreadable or of
            several rates, or sets of which only one has transparency.
    """
    found = {
        name: found_clips(name, places, config.formats)
        for name, places in (("real", config.real), ("drawn", config.drawn))
    }
    infos = {name: [probe(path) for path in paths] for name, paths in found.items()}
    every = [info for some in infos.values() for info in some]
    _check_rates(every, config)
    for info in every:
        _check_length(info, config)
    through = {name: any(info.has_alpha for info in some) for name, some in infos.items()}
    if through["real"] != through["drawn"]:
        clear, opaque = sorted(through, key=through.__getitem__, reverse=True)
        raise InputError(
            f"clips of {clear} can be seen through ({found[clear][0].name}), and those of {opaque} "
            f"cannot ({found[opaque][0].name}): read both in formats without transparency "
            "(formats=[mp4]), or export both as webp"
        )
    sizes = sorted({(info.width, info.height) for info in every})
    return ClipSets(
        found["real"], found["drawn"], tuple(f"{width}x{height}" for width, height in sizes),
        through["real"],
    )  # fmt: skip


def found_clips(
    name: str, places: Sequence[Path], formats: Sequence[ClipFormat]
) -> tuple[Path, ...]:
    """The clips of a set, in the order of its places and of their names.

    Raises:
        InputError: a place that is not there or has no clips, a clip that is given twice, too few
            or too many.
    """
    found = [path for place in places for path in _of_place(place, formats)]
    seen: set[Path] = set()
    for path in found:
        if path.resolve() in seen:
            raise InputError(f"{path} is twice in {name}: name each clip once")
        seen.add(path.resolve())
    if not LEAST_CLIPS <= len(found) <= MOST_CLIPS:
        raise InputError(
            f"{name} is of {len(found)} clips; distances of sets are of {LEAST_CLIPS} to "
            f"{MOST_CLIPS:,} on each side"
        )
    return tuple(found)


def _of_place(place: Path, formats: Sequence[ClipFormat]) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise InputError(f"{place}: there is no such file or folder")
    folder = place / _SAMPLES if (place / _SAMPLES).is_dir() else place
    best: dict[str, Path] = {}
    for kind in formats:
        for path in sorted(folder.glob(f"*.{kind}")):
            if path.is_file() and not path.name.startswith("."):
                best.setdefault(path.stem, path)
    if not best:
        raise InputError(f"{folder} has no clips: {', '.join(formats)} files are looked for")
    return [best[stem] for stem in sorted(best)]


def read_frames(paths: Sequence[Path], config: ClipDistanceConfig) -> Iterator[Frames]:
    """The frames of each clip that are measured, RGB or straight RGBA, one clip at a time."""
    for path in paths:
        yield read_clip(path, fps=config.fps, max_frames=config.num_frames).frames


def _check_rates(infos: Sequence[VideoInfo], config: ClipDistanceConfig) -> None:
    if config.fps is not None:
        return
    first = infos[0]
    for info in infos:
        if info.rate != first.rate:
            raise InputError(
                f"{first.path} has {first.fps:g} frames a second, and {info.path} {info.fps:g}: "
                "set fps, at which all are read"
            )


def _check_length(info: VideoInfo, config: ClipDistanceConfig) -> None:
    rate = info.rate if config.fps is None else as_rate(config.fps)
    count = len(shown_at(info.starts, info.duration, rate))
    if count < config.num_frames:
        raise InputError(
            f"{info.path} has {count} frames at {float(rate):g} a second, and num_frames="
            f"{config.num_frames} of each are read: set it to {max(count, 2)} or less, or leave "
            "the clip out"
        )
