"""The evaluate_video app: committed prompts -> clips -> motion measure and judge -> scores."""

from collections.abc import Iterator, Sequence
from typing import assert_never

from common.embedded.drawn_clip import Drawing
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.errors import InputError
from common.evaluation.config import EvaluateClips
from common.evaluation.motion_prior import clip_estimate, clip_notes, evaluate_drawn_clips
from common.generation.picture_switches import check_compute
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.launch import resolve_device
from common.shapes import Clips
from video.evaluation.camera_path import (
    camera_paths_estimate,
    check_camera_paths,
    evaluate_camera_paths,
)
from video.evaluation.config import (
    EvaluateCameraPath,
    EvaluateLongClips,
    EvaluateTalkingFace,
    EvaluateVideoConfig,
)
from video.evaluation.long_clips import (
    check_long_clips,
    evaluate_long_clips,
    long_clips_estimate,
)
from video.evaluation.talking_face import (
    check_talking_face,
    evaluate_talking_face,
    talking_face_estimate,
)
from video.spacetime_dit.drawn_clip import drawn_dit_clip
from video.spacetime_dit.load import check_spacetime_dit, load_spacetime_dit


def check(config: EvaluateVideoConfig, apps: Apps) -> list[str]:
    """Refuse missing models and what a prior does not do; notes on keys that have no effect."""
    match config.method:
        case EvaluateLongClips() as clips:
            return check_long_clips(config, clips, apps)
        case EvaluateTalkingFace() as faces:
            return check_talking_face(config, faces, apps)
        case EvaluateCameraPath() as paths:
            return check_camera_paths(config, paths, apps)
        case EvaluateClips() as clips:
            notes = check_spacetime_dit(_dit(config), _size(clips))
            check_compute(config.prior, config.sampler, resolve_device(config.device))
            return notes + clip_notes(clips)
        case _:
            assert_never(config.method)


def estimate(config: EvaluateVideoConfig) -> Estimate:
    """Sizes and memory of the run."""
    match config.method:
        case EvaluateLongClips() as clips:
            return long_clips_estimate(config, clips)
        case EvaluateTalkingFace() as faces:
            return talking_face_estimate(config, faces)
        case EvaluateCameraPath() as paths:
            return camera_paths_estimate(config, paths)
        case EvaluateClips() as clips:
            return clip_estimate(config, clips)
        case _:
            assert_never(config.method)


def run(config: EvaluateVideoConfig, run: Run) -> Outcome:
    """Draw, score, report."""
    match config.method:
        case EvaluateLongClips() as clips:
            return evaluate_long_clips(config, clips, run)
        case EvaluateTalkingFace() as faces:
            return evaluate_talking_face(config, faces, run)
        case EvaluateCameraPath() as paths:
            return evaluate_camera_paths(config, paths, run)
        case EvaluateClips() as clips:
            return _evaluate_dit_clips(config, clips, run)
        case _:
            assert_never(config.method)


def _evaluate_dit_clips(config: EvaluateVideoConfig, method: EvaluateClips, run: Run) -> Outcome:
    drawing = Drawing(config.sampler, config.guidance, config.seed)
    prior = load_spacetime_dit(_dit(config), _size(method), run.device)

    def drawn(prompts: Sequence[str]) -> Iterator[Clips]:
        for place, prompt in enumerate(prompts):
            yield drawn_dit_clip(prior, prompt, drawing, place)

    return evaluate_drawn_clips(config, method, run, drawn)


def _dit(config: EvaluateVideoConfig) -> SpacetimeDiTPriorConfig:
    if not isinstance(config.prior, SpacetimeDiTPriorConfig):
        raise InputError(
            f"the {config.prior.name} prior's clips are scored by evaluate/motion_prior: use that, "
            "or prior.name=spacetime_dit"
        )
    return config.prior


def _size(method: EvaluateClips) -> tuple[int, int, int]:
    return method.num_frames, method.size_px, method.size_px


APP = App(EvaluateVideoConfig, run, estimate, check)
"""The keys of the evaluate_video app."""
