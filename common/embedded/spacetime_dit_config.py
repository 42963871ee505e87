"""Settings of the spacetime DiT as a prior."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.config import Config
from common.embedded.prior_config import EmbeddedComputeConfig


class SpacetimeDiTPriorConfig(Config):
    """A small transformer over patches of space and time, for clips (`video/*`)."""

    name: Literal["spacetime_dit"] = "spacetime_dit"
    models_dir: Path | None = None
    """Folder of the transformer, such as `samples` in a run of `train/spacetime_dit`; null is the
    zoo of Extrude."""
    bases_dir: Path | None = None
    """Folder of the autoencoder and the text encoder that it stands on; null is the zoo."""
    compute: EmbeddedComputeConfig = EmbeddedComputeConfig()
    """How the transformer computes."""
    trajectory_noise: float | None = Field(12.0, gt=0, le=1000)
    """The first frame is drawn alone and, moved as the prompt tells, begins the clip under noise of
    this many times the root of the share of the change that the move leaves unexplained. Less keeps
    more of it; null draws all frames at once, from noise alone."""
