"""The keys of the app that makes one asset of a thing of the kit and measures it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from common.config import BY_NAME
from common.embedded.prior_config import EmbeddedPriorConfig
from common.runs.config import Prompt, RunConfig
from threed.score_distillation import ScoreDistillation
from threed.text_to_3d import TextTo3D


class KitAssetConfig(RunConfig):
    """Makes one asset and holds it against true instances of what was asked."""

    app: Literal["kit_asset"] = "kit_asset"
    prompt: Prompt
    """What to make: one of the committed prompts that name a thing of the kit."""
    prior: EmbeddedPriorConfig = EmbeddedPriorConfig()
    """The model that knows what things look like from all sides."""
    judge_dir: Path | None = None
    """Folder of the judge; null is the zoo of Extrude."""
    num_truths: int = Field(32, ge=1, le=1000)
    """True instances that outlines and surfaces are compared with; the best one counts."""
    noise_draws: int = Field(4, ge=0, le=1000)
    """Draws at each of three noise levels that tell how much the gradient varies; 0 leaves it
    out."""
    num_others: int = Field(0, ge=0, le=15)
    """Further assets from seeds of their own, that tell how much assets of one prompt differ; each
    takes as long as the first."""
    asset: Annotated[TextTo3D | ScoreDistillation, BY_NAME] = ScoreDistillation()
    """How the asset is made."""
