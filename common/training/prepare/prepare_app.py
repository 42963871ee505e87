"""The prepare app: downloads and renders what training needs, into the cache."""

from pathlib import Path
from typing import assert_never

from common.media.images import write_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.training.emoji.emoji_packages import CLIPS
from common.training.emoji.npm_package import default_cache
from common.training.prepare.prepare_config import (
    PrepareClips,
    PrepareConfig,
    PrepareEmoji,
    PrepareKit,
    PrepareOrbits,
    PrepareSpeech,
    PrepareTeacher,
    PrepareTruths,
)
from common.training.prepare.prepare_sources import (
    Prepared,
    prepared_clips,
    prepared_emoji,
    prepared_kit,
    prepared_orbits,
    prepared_speech,
    prepared_teacher,
    prepared_truths,
)

_LIBRARIES_BYTES = 600 * 2**20
_DECODED_BYTES = 400 * 2**20


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
        case (PrepareKit() | PrepareClips() | PrepareOrbits() | PrepareTruths()) as kit:
            sizes, steps = {"parts": ", ".join(kit.parts)}, len(kit.parts)
        case PrepareTeacher() | PrepareSpeech():
            sizes, steps = {}, 1
        case _:
            assert_never(config.source)
    return Estimate(sizes, _LIBRARIES_BYTES + _DECODED_BYTES, steps)


def run(config: PrepareConfig, run: Run) -> Outcome:
    """Prepare what is not there, and show what there is."""
    cache = config.cache_dir or default_cache()
    with run.clock.stage("preparing"):
        counts, sheet = _prepare(config, cache)
    columns = (Column("What", align="left"), Column("How many"))
    sections: list[Section] = [Table("Prepared", columns, tuple(counts))]
    artefacts: tuple[Path, ...] = ()
    if sheet is not None:
        path = run.folder.samples / "pictures.png"
        write_picture(path, sheet)
        sections.append(Gallery("Some of it", (MediaItem(path, "Evenly chosen"),)))
        artefacts = (path,)
    return Outcome(artefacts, tuple(sections))


def _prepare(config: PrepareConfig, cache: Path) -> Prepared:
    match config.source:
        case PrepareEmoji() as source:
            return prepared_emoji(source, cache)
        case PrepareKit() as source:
            return prepared_kit(source, cache)
        case PrepareClips() as source:
            return prepared_clips(source, cache)
        case PrepareOrbits() as source:
            return prepared_orbits(source, cache)
        case PrepareTruths() as source:
            return prepared_truths(source, cache)
        case PrepareTeacher():
            return prepared_teacher(cache)
        case PrepareSpeech():
            return prepared_speech(cache)
        case _:
            assert_never(config.source)


APP = App(PrepareConfig, run, estimate, check)
