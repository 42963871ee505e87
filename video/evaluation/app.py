"""The evaluate_video app: committed prompts -> clips -> motion measure and judge -> scores."""

from collections.abc import Iterator, Sequence

from common.embedded.drawn_clip import Drawing
from common.evaluation.motion_prior import clip_estimate, clip_notes, evaluate_drawn_clips
from common.generation.picture_switches import check_compute
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.launch import resolve_device
from common.shapes import Clips
from video.evaluation.config import EvaluateVideoConfig
from video.spacetime_dit.drawn_clip import drawn_dit_clip
from video.spacetime_dit.load import check_spacetime_dit, load_spacetime_dit


def check(config: EvaluateVideoConfig, apps: Apps) -> list[str]:
    """Refuse missing models, and notes on keys that have no effect."""
    notes = check_spacetime_dit(config.prior, _size(config))
    check_compute(config.prior, config.sampler, resolve_device(config.device))
    return notes + clip_notes(config.method)


def estimate(config: EvaluateVideoConfig) -> Estimate:
    """Sizes and memory of the run."""
    return clip_estimate(config, config.method)


def run(config: EvaluateVideoConfig, run: Run) -> Outcome:
    """Draw, score, report."""
    drawing = Drawing(config.sampler, config.guidance, config.seed)
    prior = load_spacetime_dit(config.prior, _size(config), run.device)

    def drawn(prompts: Sequence[str]) -> Iterator[Clips]:
        for place, prompt in enumerate(prompts):
            yield prior.decode(drawn_dit_clip(prior, prompt, drawing, place)).clamp(-1, 1)

    return evaluate_drawn_clips(config, config.method, run, drawn)


def _size(config: EvaluateVideoConfig) -> tuple[int, int, int]:
    return config.method.num_frames, config.method.size_px, config.method.size_px


APP = App(EvaluateVideoConfig, run, estimate, check)
"""The keys of the evaluate_video app."""
