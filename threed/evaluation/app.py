"""The evaluate_threed app: committed prompts -> views or assets -> scores -> report."""

from typing import assert_never

from common.errors import InputError
from common.generation.picture_switches import refuse_few_steps, refuse_picture_switches
from common.generation.priors import models_folder
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.zoo.models import check_embedded_prior, check_prior_loras
from threed.evaluation.asset_prior import asset_estimate, evaluate_assets
from threed.evaluation.config import (
    EvaluateAssets,
    EvaluateImageTo3D,
    EvaluateTextures,
    EvaluateThreedConfig,
    EvaluateViews,
)
from threed.evaluation.image_to_3d import evaluate_image_to_3d, picture_estimate
from threed.evaluation.textures import evaluate_textures, texture_estimate
from threed.evaluation.view_prior import evaluate_views, view_estimate
from threed.painting.painters import check_painter
from threed.view_priors import check_choosing, check_few_views


def check(config: EvaluateThreedConfig, apps: Apps) -> list[str]:
    """Refuse a prior without view layers."""
    refuse_picture_switches(config.prior)
    manifests = check_embedded_prior(models_folder(config.prior), "view_layers")
    check_prior_loras(manifests, config.prior.loras)
    if config.prior.embeddings:
        raise InputError("the committed prompts have no learnt words: leave prior.embeddings out")
    if isinstance(config.method, EvaluateTextures):
        refuse_few_steps(config.prior)
    else:
        check_few_views(config.prior, config.method.asset, manifests)
    if isinstance(config.method, EvaluateAssets | EvaluateViews):
        at_hand = {kind: one.identity for kind, one in manifests.items()}
        check_choosing(config.method.asset, models_folder(config.prior), at_hand)
    if isinstance(config.method, EvaluateTextures):
        return check_painter(config.prior, config.method.painting, "")
    return []


def estimate(config: EvaluateThreedConfig) -> Estimate:
    """Sizes and memory of the run."""
    match config.method:
        case EvaluateViews() as views:
            return view_estimate(config, views)
        case EvaluateAssets() as assets:
            return asset_estimate(config, assets)
        case EvaluateTextures() as textures:
            return texture_estimate(config, textures)
        case EvaluateImageTo3D() as pictures:
            return picture_estimate(config, pictures)
        case _:
            assert_never(config.method)


def run(config: EvaluateThreedConfig, run: Run) -> Outcome:
    """Make, score, report."""
    match config.method:
        case EvaluateViews() as views:
            return evaluate_views(config, views, run)
        case EvaluateAssets() as assets:
            return evaluate_assets(config, assets, run)
        case EvaluateTextures() as textures:
            return evaluate_textures(config, textures, run)
        case EvaluateImageTo3D() as pictures:
            return evaluate_image_to_3d(config, pictures, run)
        case _:
            assert_never(config.method)


APP = App(EvaluateThreedConfig, run, estimate, check)
"""The keys of the evaluate_threed app."""
