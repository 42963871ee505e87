"""The keys of every training run, whatever it trains."""

from pathlib import Path
from typing import Literal

from common.config import Config
from common.runs.config import RunConfig


class StorageConfig(Config):
    """How the result is stored."""

    precision: Literal["bfloat16", "int8", "float32"] = "bfloat16"
    """Of weights with two or more axes; int8 has one scale for each output channel."""


class TrainingConfig(RunConfig):
    """Where data and first weights come from, and how the result is stored."""

    cache_dir: Path | None = None
    """Where `prepare/*` has put the data; null is $XDG_CACHE_HOME/extrude or ~/.cache/extrude."""
    init_from: Path | None = None
    """A run folder of the same method whose newest checkpoint gives the first weights."""
    storage: StorageConfig = StorageConfig()
    """How the result is stored."""
