"""The keys of the evaluate app."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.diffusion.guidance_config import CFG, Guidance
from common.diffusion.sampler_config import DPMSolverPP2M, Sampler
from common.embedded.prior_config import EmbeddedPriorConfig
from common.evaluation.prompt_sets import SET_NAMES, SetName
from common.runs.config import RunConfig


class EvaluateConfig(RunConfig):
    """Draws pictures for the committed prompts and has them scored by the judge."""

    app: Literal["evaluate"] = "evaluate"
    prior: EmbeddedPriorConfig = EmbeddedPriorConfig()
    """The model that is evaluated."""
    judge_dir: Path | None = None
    """Folder of the judge; null is the zoo of Extrude."""
    sampler: Sampler = DPMSolverPP2M()
    """How noise becomes a sample."""
    guidance: Guidance = CFG()
    """How strongly prompts are followed."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the pictures."""
    batch_size: int = Field(32, ge=1, le=4096)
    """How many are drawn together."""
    sets: tuple[SetName, ...] = Field(SET_NAMES, min_length=1)
    """Which prompts."""
    max_prompts: int | None = Field(None, ge=2)
    """At most so many prompts of each set, evenly chosen; null takes all."""
    memorisation: bool = False
    """Compare the samples of ``objects`` with the prepared training renders, for copies."""
    cache_dir: Path | None = None
    """Where `prepare/kit` has put the renders; null is $XDG_CACHE_HOME/extrude or
    ~/.cache/extrude. Read only for ``memorisation``."""
