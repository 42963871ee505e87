"""Making an asset of a prompt, by any method."""

from typing import Any, assert_never

from common.runs.app import Run
from threed.distil_asset import distilled_asset
from threed.edit_3d import Edit3D
from threed.from_prompt import FromPrompt
from threed.image_to_3d import ImageTo3D
from threed.made_asset import MadeAsset
from threed.score_distillation import ScoreDistillation
from threed.text_to_3d import TextTo3D
from threed.views_to_asset import asset_from_views


def make_asset(method: FromPrompt, prompt: str, prior: Any, seed: int, run: Run) -> MadeAsset:
    """Make it, continuing from the run's checkpoint.

    Args:
        method: how.
        prompt: of what.
        prior: from `threed.view_priors.build_view_prior` for the same method.
        seed: of everything that is drawn.
        run: metrics, checkpoints and clock.
    """
    match method:
        case TextTo3D() | ImageTo3D():
            return asset_from_views(method, prompt, prior, seed, run)
        case ScoreDistillation() | Edit3D():
            return distilled_asset(method, prompt, prior, seed, run)
        case _:
            assert_never(method)
