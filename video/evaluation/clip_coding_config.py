"""The keys of the app that measures what is left of clips after they are coded."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.runs.config import RunConfig


class ClipCodingConfig(RunConfig):
    """Codes held-out clips in several ways, and measures what comes back."""

    app: Literal["clip_coding"] = "clip_coding"
    cache_dir: Path | None = None
    """Where `prepare/*` has put the clips; null is $XDG_CACHE_HOME/extrude or ~/.cache/extrude."""
    models_dir: Path | None = None
    """Folder of the causal autoencoder, such as `samples` in a run of `train/causal_autoencoder`;
    null is the zoo of Extrude."""
    bases_dir: Path | None = None
    """Folder of the autoencoder that it stands on; null is the zoo."""
    num_clips: int = Field(24, ge=1, le=1000)
    """Clips of each set, evenly chosen: kit objects that nobody has learnt from, and animations of
    emoji that nobody has learnt from."""
