"""What each source of the prepare app puts into the cache, counted, with a sheet to look at."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from common.control.label_colours import label_colours, palette
from common.kit.motions import motion_caption
from common.media.contact_sheet import clip_sheet, picture_sheet
from common.runs.console import LOGGER
from common.shapes import Picture
from common.training.emoji.emoji_clips import load_clips, prepare_clips
from common.training.emoji.emoji_stills import prepare_stills
from common.training.kit.clip_parts import CLIP_PARTS
from common.training.kit.kit_clips import load_kit_clips, prepare_kit_clips
from common.training.kit.kit_orbits import load_orbits, prepare_orbits
from common.training.kit.kit_parts import PARTS
from common.training.kit.kit_pictures import load_kit, prepare_kit
from common.training.kit.kit_truths import (
    DEPTH,
    LABEL,
    NORMALS,
    TRUTH_PARTS,
    KitTruthSet,
    load_truths,
    prepare_truths,
)
from common.training.kit.orbit_parts import ORBIT_PARTS
from common.training.prepare.prepare_config import (
    PrepareClips,
    PrepareEmoji,
    PrepareKit,
    PrepareOrbits,
    PrepareTruths,
)
from common.training.talking.speech_set import prepare_speech
from common.training.text.text_teacher import install_teacher, teacher_folder

_NUM_PICTURES, _NUM_STRIPS = 48, 24
_NUM_MOMENTS = 8
"""Frames or views shown of each clip or object."""
_SHOWN_PX = 96
_GROUND = 245
"""Grey behind the pictures of a sheet, 0 to 255."""


class Prepared(NamedTuple):
    """What is there after preparing a source."""

    counts: list[tuple[str, int]]
    sheet: Picture | None


def prepared_emoji(source: PrepareEmoji, cache: Path) -> Prepared:
    """The stills and animations of the emoji."""
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
    return Prepared(counts, _pictures([pixels[row] for row in _evenly(len(pixels), _NUM_PICTURES)]))


def prepared_kit(source: PrepareKit, cache: Path) -> Prepared:
    """Still pictures of kit objects; the sheet shows the part prepared last."""
    counts, sheet = [], None
    for part in (one for one in PARTS if one.name in source.parts):
        for category, num in prepare_kit(cache, part):
            LOGGER.info("%s: %d pictures of '%s'", part.name, num, category.name)
        sets = load_kit(cache, part, 64)
        counts.append((f"Objects, {part.name}", sum(len(one.shots) for one in sets)))
        counts.append((f"Pictures, {part.name}", sum(len(one.pixels) for one in sets)))
        sheet = _pictures([sets[i].pixels[0] for i in _evenly(len(sets), _NUM_PICTURES)])
    return Prepared(counts, sheet)


def prepared_clips(source: PrepareClips, cache: Path) -> Prepared:
    """Clips of kit objects; the sheet shows moments of some of the part prepared last."""
    counts, sheet = [], None
    for part in (one for one in CLIP_PARTS if one.name in source.parts):
        for category, num in prepare_kit_clips(cache, part):
            LOGGER.info("%s: %d clips of '%s'", part.name, num, category.name)
        clips = [(one, i) for one in load_kit_clips(cache, part) for i in range(len(one.shots))]
        counts.append((f"Clips, {part.name}", len(clips)))
        shown = [clips[index] for index in _evenly(len(clips), _NUM_STRIPS)]
        said = [motion_caption(one.shots[i].facts, one.shots[i].motion) for one, i in shown]
        sheet = _strips([one.frames(i) for one, i in shown], said)
    return Prepared(counts, sheet)


def prepared_orbits(source: PrepareOrbits, cache: Path) -> Prepared:
    """Kit objects from all round; the sheet shows views of some of the part prepared last."""
    counts, sheet = [], None
    for part in (one for one in ORBIT_PARTS if one.name in source.parts):
        for category, num in prepare_orbits(cache, part):
            LOGGER.info("%s: %d pictures of '%s' on its orbit", part.name, num, category.name)
        sets = load_orbits(cache, part)
        counts.append((f"Objects, {part.name}", sum(len(one.shots) for one in sets)))
        counts.append((f"Pictures, {part.name}", sum(len(one.pixels) for one in sets)))
        shown = [sets[index] for index in _evenly(len(sets), _NUM_STRIPS)]
        sheet = _strips([one.pictures(0) for one in shown], [one.category.name for one in shown])
    return Prepared(counts, sheet)


def prepared_truths(source: PrepareTruths, cache: Path) -> Prepared:
    """Kit objects and what is known of them; the sheet has pictures, depth, normals and labels."""
    counts, sheet = [], None
    for part in (one for one in TRUTH_PARTS if one.name in source.parts):
        for category, num in prepare_truths(cache, part):
            LOGGER.info("%s: %d pictures with truths of '%s'", part.name, num, category.name)
        sets = load_truths(cache, part)
        counts.append((f"Objects, {part.name}", sum(len(one.shots) for one in sets)))
        counts.append((f"Pictures, {part.name}", sum(len(one.pixels) for one in sets)))
        shown = [sets[index] for index in _evenly(len(sets), _NUM_PICTURES // 4)]
        sheet = picture_sheet([one for each in shown for one in _with_truth(each)], num_columns=8)
    return Prepared(counts, sheet)


def prepared_speech(cache: Path) -> Prepared:
    """Sentences with their phonemes; there is nothing to look at."""
    return Prepared([("Utterances", prepare_speech(cache))], None)


def prepared_teacher(cache: Path) -> Prepared:
    """The teacher of the text encoder."""
    install_teacher(cache)
    num_bytes = sum(path.stat().st_size for path in teacher_folder(cache).rglob("*"))
    return Prepared([("Teacher, bytes", num_bytes)], None)


def _with_truth(one: KitTruthSet) -> list[Picture]:
    """The first picture of a set, its depth and normal maps, and its labels in colours."""
    truth = np.asarray(one.truths[0])
    coloured = label_colours(truth[..., LABEL], palette())
    return [
        _on_ground(np.asarray(one.pixels[0])),
        np.repeat(truth[..., DEPTH, None], 3, axis=-1),
        np.ascontiguousarray(truth[..., NORMALS]),
        np.rint(coloured * 255).astype(np.uint8),
    ]


def _evenly(count: int, num: int) -> list[int]:
    return np.linspace(0, count - 1, min(count, num)).round().astype(int).tolist()


def _pictures(pixels: list[UInt8[np.ndarray, "_ _ 4"]]) -> Picture:
    return picture_sheet([_on_ground(np.asarray(one)) for one in pixels], num_columns=12)


def _strips(clips: list[UInt8[np.ndarray, "_ _ _ 4"]], captions: list[str]) -> Picture:
    """A row of moments, or views, for each, in two columns."""
    grounded = [_on_ground(np.asarray(one)) for one in clips]
    return clip_sheet(
        grounded, captions=captions, num_moments=_NUM_MOMENTS, num_columns=2, cell_px=_SHOWN_PX
    )


def _on_ground(pixels: UInt8[np.ndarray, "... 4"]) -> UInt8[np.ndarray, "... 3"]:
    """Premultiplied pixels on light grey."""
    behind = (255 - pixels[..., 3:].astype(np.uint16)) * _GROUND // 255
    return (pixels[..., :3] + behind).clip(0, 255).astype(np.uint8)
