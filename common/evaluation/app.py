"""The evaluate app: committed prompts -> samples -> scores -> report."""

from typing import assert_never

from common.errors import InputError
from common.evaluation.clip_edits import edits_estimate, evaluate_edits
from common.evaluation.config import (
    EvaluateClips,
    EvaluateConfig,
    EvaluateControl,
    EvaluateEdits,
    EvaluateImages,
    EvaluateStyle,
    EvaluateWord,
)
from common.evaluation.control import control_estimate, evaluate_control
from common.evaluation.image_prior import (
    check_classes,
    evaluate_images,
    image_estimate,
    image_notes,
)
from common.evaluation.learnt_word import check_word, evaluate_word, word_estimate
from common.evaluation.lora_style import check_style, evaluate_style, style_estimate
from common.evaluation.motion_prior import clip_estimate, clip_notes, evaluate_clips
from common.generation.few_steps import check_few_step_frames, check_few_steps
from common.generation.picture_switches import (
    check_compute,
    refuse_few_steps,
    refuse_picture_switches,
)
from common.generation.priors import models_folder
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.launch import resolve_device
from common.zoo.models import check_embedded_prior


def check(config: EvaluateConfig, apps: Apps) -> list[str]:
    """Refuse what evaluations do not do; notes on keys that have no effect."""
    if config.prior.controls:
        raise InputError(
            "evaluations draw what the prompts say and choose themselves what is followed: leave "
            "prior.controls out"
        )
    if config.prior.embeddings and not isinstance(config.method, EvaluateWord):
        raise InputError("the committed prompts have no learnt words: leave prior.embeddings out")
    if config.guidance.name == "classifier" and not isinstance(config.method, EvaluateImages):
        raise InputError(
            f"{config.method.name} has no classifier at hand: use guidance.name=cfg, or "
            "evaluate/image_prior"
        )
    if isinstance(config.method, EvaluateImages | EvaluateClips):
        check_compute(config.prior, config.sampler, resolve_device(config.device))
        if isinstance(config.method, EvaluateImages):
            check_few_steps(config.prior, config.sampler, config.guidance)
            check_classes(config, config.method)
        else:
            manifests = check_embedded_prior(models_folder(config.prior), "motion_layers")
            check_few_step_frames(
                config.prior, manifests, "motion_layers", config.sampler, config.guidance
            )
    else:
        refuse_picture_switches(config.prior)
        refuse_few_steps(config.prior)
    match config.method:
        case EvaluateImages() as images:
            return image_notes(images)
        case EvaluateClips() as clips:
            return clip_notes(clips)
        case EvaluateEdits() | EvaluateControl():
            return []
        case EvaluateStyle():
            return check_style(config)
        case EvaluateWord() as word:
            return check_word(config, word)
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
        case EvaluateControl() as control:
            return control_estimate(config, control)
        case EvaluateStyle():
            return style_estimate(config)
        case EvaluateWord() as word:
            return word_estimate(config, word)
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
        case EvaluateControl() as control:
            return evaluate_control(config, control, run)
        case EvaluateStyle() as style:
            return evaluate_style(config, style, run)
        case EvaluateWord() as word:
            return evaluate_word(config, word, run)
        case _:
            assert_never(config.method)


APP = App(EvaluateConfig, run, estimate, check)
"""The keys of the evaluate app."""
