"""The keys of the app that makes one clip of a thing of the kit and measures it."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.diffusion.guidance_config import CFG, Guidance
from common.diffusion.sampler_config import DPMSolverPP2M, Sampler
from common.embedded.prior_config import EmbeddedPriorConfig
from common.runs.config import Prompt, RunConfig
from video.evaluation.config import ClipPriorConfig


class KitClipConfig(RunConfig):
    """Makes one clip, and says whether it shows what was asked and moves as it was asked."""

    app: Literal["kit_clip"] = "kit_clip"
    prompt: Prompt
    """What to make: one of the committed prompts of clips."""
    shown: Literal["drawn", "other", "truth"] = "drawn"
    """Which clip is held against the prompt: the prior's; the prior's of another committed prompt,
    the floor; or a true one of a held-out instance after the autoencoder, the ceiling."""
    prior: ClipPriorConfig = EmbeddedPriorConfig()
    """The model that draws."""
    sampler: Sampler = DPMSolverPP2M(num_steps=25)
    """How noise becomes a clip."""
    guidance: Guidance = CFG(guidance_scale=3.0)
    """How strongly it follows the prompt."""
    judge_dir: Path | None = None
    """Folder of the judge; null is the zoo of Extrude."""
    num_frames: int = Field(16, ge=16, le=64)
    """Length of the clip; the motion measure reads 16 frames or more."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the frames."""
