"""The keys of the evaluate_video app."""

from typing import Annotated, Literal

from common.config import BY_NAME
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.evaluation.config import EvaluateClips, ScoringConfig

Method = Annotated[EvaluateClips, BY_NAME]
"""What is evaluated, chosen by its ``name``."""


class EvaluateVideoConfig(ScoringConfig):
    """Draws clips of priors that only draw clips for the committed prompts, and scores them."""

    app: Literal["evaluate_video"] = "evaluate_video"
    prior: SpacetimeDiTPriorConfig = SpacetimeDiTPriorConfig()
    """The model that is evaluated."""
    method: Method = EvaluateClips()
    """What is drawn, and how it is scored."""
