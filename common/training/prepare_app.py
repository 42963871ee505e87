"""The prepare app: downloads and renders what training needs, into the cache."""

from pathlib import Path
from typing import assert_never

import numpy as np
from jaxtyping import UInt8

from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER
from common.shapes import Picture
from common.training.emoji_clips import load_clips, prepare_clips
from common.training.emoji_packages import CLIPS
from common.training.emoji_stills import prepare_stills
from common.training.kit_parts import PARTS
from common.training.kit_pictures import load_kit, prepare_kit
from common.training.npm_package import default_cache
from common.training.prepare_config import PrepareConfig, PrepareEmoji, PrepareKit, PrepareTeacher
from common.training.text_teacher import install_teacher, teacher_folder

_LIBRARIES_BYTES = 600 * 2**20
_DECODED_BYTES = 400 * 2**20
_NUM_SHOWN = 48
_GROUND = 245
"""Grey behind the pictures of the report, 0 to 255."""

Prepared = tuple[list[tuple[str, int]], list[UInt8[np.ndarray, "h w 4"]]]
"""Named counts, and some premultiplied pictures to look at."""


def check(config: PrepareConfig, apps: Apps) -> list[str]:
    """Everything is checked where it is fetched."""
    return []


def estimate(config: PrepareConfig) -> Estimate:
    """Sizes and memory of the run."""
    match config.source:
        case PrepareEmoji() as emoji:
            sides = {"stills": emoji.still_sizes_px, "clips": emoji.clip_sizes_px}
            sizes = {name: ", ".join(map(str, found)) or "none" for name, found in sides.items()}
            steps = 1 + len(CLIPS) * len(emoji.clip_sizes_px)
        case PrepareKit() as kit:
            sizes, steps = {"parts": ", ".join(kit.parts)}, len(kit.parts)
        case PrepareTeacher():
            sizes, steps = {}, 1
        case _:
            assert_never(config.source)
    return Estimate(sizes, _LIBRARIES_BYTES + _DECODED_BYTES, steps)


def run(config: PrepareConfig, run: Run) -> Outcome:
    """Prepare what is not there, and show what there is."""
    cache = config.cache_dir or default_cache()
    with run.clock.stage("preparing"):
        counts, pictures = _prepare(config, cache)
    columns = (Column("What", align="left"), Column("How many"))
    sections: list[Section] = [Table("Prepared", columns, tuple(counts))]
    artefacts: tuple[Path, ...] = ()
    if pictures:
        path = run.folder.samples / "pictures.png"
        write_picture(path, picture_sheet([_on_ground(p) for p in pictures], num_columns=12))
        sections.append(Gallery("Some of it", (MediaItem(path, "Evenly chosen"),)))
        artefacts = (path,)
    return Outcome(artefacts, tuple(sections))


def _prepare(config: PrepareConfig, cache: Path) -> Prepared:
    match config.source:
        case PrepareEmoji() as source:
            return _emoji(source, cache)
        case PrepareKit() as source:
            return _kit(source, cache)
        case PrepareTeacher():
            install_teacher(cache)
            num_bytes = sum(p.stat().st_size for p in teacher_folder(cache).rglob("*"))
            return [("Teacher, bytes", num_bytes)], []
        case _:
            assert_never(config.source)


def _emoji(source: PrepareEmoji, cache: Path) -> Prepared:
    LOGGER.info("emoji stills at %s px", ", ".join(map(str, source.still_sizes_px)))
    stills = prepare_stills(cache, source.still_sizes_px)
    counts = [(f"Stills at {one.size_px} px", len(one.keys)) for one in stills]
    for size_px in source.clip_sizes_px:
        for index in prepare_clips(cache, size_px):
            LOGGER.info("animations at %d px: %s", size_px, index.stem)
        clips = load_clips(cache, size_px).clips
        counts.append((f"Animations at {size_px} px", len(clips)))
        counts.append((f"Frames at {size_px} px", sum(clip.num_frames for clip in clips)))
    pixels = stills[0].pixels
    return counts, [np.asarray(pixels[row]) for row in _evenly(len(pixels))]


def _kit(source: PrepareKit, cache: Path) -> Prepared:
    counts: list[tuple[str, int]] = []
    pictures: list[UInt8[np.ndarray, "h w 4"]] = []
    for part in (one for one in PARTS if one.name in source.parts):
        for category, num in prepare_kit(cache, part):
            LOGGER.info("%s: %d pictures of '%s'", part.name, num, category.name)
        sets = load_kit(cache, part, 64)
        counts.append((f"Objects, {part.name}", sum(len(one.shots) for one in sets)))
        counts.append((f"Pictures, {part.name}", sum(len(one.pixels) for one in sets)))
        pictures = [np.asarray(sets[index].pixels[0]) for index in _evenly(len(sets))]
    return counts, pictures


def _evenly(count: int) -> list[int]:
    return np.linspace(0, count - 1, min(count, _NUM_SHOWN)).round().astype(int).tolist()


def _on_ground(pixels: UInt8[np.ndarray, "h w 4"]) -> Picture:
    """Premultiplied pixels on light grey."""
    behind = (255 - pixels[..., 3:].astype(np.uint16)) * _GROUND // 255
    return (pixels[..., :3] + behind).clip(0, 255).astype(np.uint8)


APP = App(PrepareConfig, run, estimate, check)
