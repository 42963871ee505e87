"""The evaluate app: committed prompts -> samples -> scores -> report."""

from typing import assert_never

from common.evaluation.clip_edits import edits_estimate, evaluate_edits
from common.evaluation.config import (
    EvaluateClips,
    EvaluateConfig,
    EvaluateEdits,
    EvaluateImages,
)
from common.evaluation.image_prior import evaluate_images, image_estimate, image_notes
from common.evaluation.motion_prior import clip_estimate, clip_notes, evaluate_clips
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps


def check(config: EvaluateConfig, apps: Apps) -> list[str]:
    """Notes on keys that have no effect."""
    match config.method:
        case EvaluateImages() as images:
            return image_notes(images)
        case EvaluateClips() as clips:
            return clip_notes(clips)
        case EvaluateEdits():
            return []
        case _:
            assert_never(config.method)


def estimate(config: EvaluateConfig) -> Estimate:
    """Sizes and memory of the run."""
    match config.method:
        case EvaluateImages() as images:
            return image_estimate(config, images)
        case EvaluateClips() as clips:
            return clip_estimate(config, clips)
        case EvaluateEdits() as edits:
            return edits_estimate(config, edits)
        case _:
            assert_never(config.method)


def run(config: EvaluateConfig, run: Run) -> Outcome:
    """Draw, score, report."""
    match config.method:
        case EvaluateImages() as images:
            return evaluate_images(config, images, run)
        case EvaluateClips() as clips:
            return evaluate_clips(config, clips, run)
        case EvaluateEdits() as edits:
            return evaluate_edits(config, edits, run)
        case _:
            assert_never(config.method)


APP = App(EvaluateConfig, run, estimate, check)
"""The keys of the evaluate app."""
