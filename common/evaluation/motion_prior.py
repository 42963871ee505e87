"""Evaluating the embedded prior's clips: prompts -> clips -> motion measure and judge -> scores."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from common.atomic import write_json
from common.embedded.drawn_clip import Drawing
from common.evaluation.clip_scores import ClipLook, look_at_clips, scores_of_clips
from common.evaluation.config import EvaluateClips, EvaluateConfig, ScoringConfig
from common.evaluation.figures import judge_figures
from common.evaluation.frame_prompts import ClipRequest, ClipSetName, load_clip_set
from common.evaluation.generated import generate_clips
from common.evaluation.prompt_sets import chosen_requests
from common.evaluation.score_table import (
    Scores,
    plain,
    restored_scores,
    rows_of,
    said,
    score_table,
)
from common.judging.motion_classifier import MotionMeasure, load_motion_measure
from common.media.clips import write_clip
from common.media.pixels import to_frames
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import LOGGER, progress_bar
from common.shapes import Clips
from common.zoo.models import ZOO, load_frame_prior, load_judge

_LIBRARIES_BYTES = 900 * 2**20
_BYTES_PER_FRAME = 24 * 2**20
_NUM_SHOWN = 12
_NUM_REAL = 96
_FPS = 8.0
STEADINESS = ("flicker", "consistency", "path", "change")
"""What `clip_steadiness` measures of a clip, in the order of `ClipLook.steadiness`."""

Medians = dict[str, list[float]]
"""Of each set, and of real clips, the median of each figure of `STEADINESS`."""


class _Scorers(NamedTuple):
    judge: object
    figures: dict[str, float]
    measure: MotionMeasure


def clip_notes(method: EvaluateClips) -> list[str]:
    """Notes on keys that have no effect."""
    if method.cache_dir is not None and not method.real_clips:
        return ["method.cache_dir has no effect without real_clips"]
    return []


def clip_estimate(config: ScoringConfig, method: EvaluateClips) -> Estimate:
    """Sizes and memory of the run."""
    counts = {name: len(_requests(config, name)) for name in method.sets}
    sizes = {str(name): f"{count} clips" for name, count in counts.items()}
    scale = (method.size_px / 128) ** 2 * method.num_frames
    memory = _LIBRARIES_BYTES + int(_BYTES_PER_FRAME * scale)
    return Estimate(sizes, memory, sum(counts.values()) * config.sampler.num_evaluations)


def evaluate_clips(config: EvaluateConfig, method: EvaluateClips, run: Run) -> Outcome:
    """Clips of the embedded prior, drawn and scored."""
    drawing = Drawing(config.sampler, config.guidance, config.seed)

    def drawn(prompts: Sequence[str]) -> Iterator[Clips]:
        size = (method.size_px, method.size_px)
        prior = load_frame_prior(
            "motion_layers", method.num_frames, size, config.prior.models_dir or ZOO, run.device,
            config.prior.loras, config.prior.trajectory_noise, compute=config.prior.compute,
            few_steps=config.prior.few_steps,
        )  # fmt: skip
        return generate_clips(prior, prompts, drawing)

    return evaluate_drawn_clips(config, method, run, drawn)


def evaluate_drawn_clips(
    config: ScoringConfig,
    method: EvaluateClips,
    run: Run,
    drawn: Callable[[Sequence[str]], Iterator[Clips]],
) -> Outcome:
    """Draw and score set after set; a resumed run continues with the next set.

    Args:
        config: what every evaluation is told.
        method: which prompts, and how clips are scored.
        run: its folder, device, checkpoints and clock.
        drawn: draws clips of prompts, RGBA in [-1, 1], some at a time.
    """
    folder = config.judge_dir or ZOO
    with run.clock.stage("loading"):
        judge = load_judge(folder, run.device).model
        scorers = _Scorers(
            judge, dict(judge_figures(config.judge_dir)), load_motion_measure(folder)
        )
    restored = run.checkpoints.restored_state
    scores = restored_scores(restored["scores"]) if restored else {}
    medians: Medians = dict(restored["medians"]) if restored else {}
    if method.real_clips and "real" not in medians:
        with run.clock.stage("real clips"):
            medians["real"] = _medians(_real_looks(method, scorers))
    for name in method.sets:
        if name in scores:
            continue
        requests = _requests(config, name)
        looks = _drawn_looks(run, drawn, scorers, name, requests)
        scores[name] = scores_of_clips(scorers.judge, scorers.figures, scorers.measure, name,
                                       requests, looks)  # fmt: skip
        medians[name] = _medians(looks)
        LOGGER.info("%s: %s", name, said(scores[name]))
        run.checkpoints.offer(len(scores), {"scores": rows_of(scores), "medians": medians})
    path = run.folder.samples / "figures.json"
    steady = {f"{name}/{figure}": value for name, row in medians.items()
              for figure, value in zip(STEADINESS, row, strict=True)}  # fmt: skip
    write_json(path, plain(scores) | steady)
    return Outcome((path,), _sections(config, method, run, scores, medians))


def _requests(config: ScoringConfig, name: ClipSetName) -> tuple[ClipRequest, ...]:
    return tuple(chosen_requests(load_clip_set(name), config.max_prompts))


def _drawn_looks(
    run: Run,
    drawn: Callable[[Sequence[str]], Iterator[Clips]],
    scorers: _Scorers,
    name: ClipSetName,
    requests: Sequence[ClipRequest],
) -> list[ClipLook]:
    """Draw the clips of a set and look at each; the first ones are written."""
    clips = drawn([one.prompt for one in requests])
    looks: list[ClipLook] = []
    with progress_bar(len(requests), 0, name, "clip") as bar, run.clock.stage("clips"):
        for some in clips:
            for clip in some.cpu():
                if len(looks) < _NUM_SHOWN:
                    write_clip(_shown(run, name, len(looks)), to_frames(clip), _FPS)
                looks += look_at_clips(scorers.judge, scorers.measure, clip[None])
            bar.update(len(some))
    return looks


def _shown(run: Run, name: str, index: int) -> Path:
    return run.folder.samples / f"{name}_{index:02d}.webp"


def _real_looks(method: EvaluateClips, scorers: _Scorers) -> list[ClipLook]:
    """Prepared clips of held-out instances, evenly chosen."""
    from common.training.emoji.npm_package import default_cache
    from common.training.kit.clip_parts import INSTANCE_CLIPS
    from common.training.kit.kit_clips import load_kit_clips

    sets = load_kit_clips(method.cache_dir or default_cache(), INSTANCE_CLIPS)
    places = [(one, row) for one in sets for row in range(len(one.shots))]
    looks: list[ClipLook] = []
    for one, row in chosen_requests(places, _NUM_REAL):
        pixels = torch.from_numpy(np.array(one.frames(row))).float() / 127.5 - 1
        looks += look_at_clips(scorers.judge, scorers.measure, pixels.permute(3, 0, 1, 2)[None])
    return looks


def _medians(looks: Sequence[ClipLook]) -> list[float]:
    columns: Tensor = torch.tensor([look.steadiness for look in looks])
    return [float(value) for value in columns.median(0).values]


def _sections(
    config: ScoringConfig, method: EvaluateClips, run: Run, scores: Scores, medians: Medians
) -> tuple[Section, ...]:
    columns = (Column("Clips", align="left"), *(Column(name) for name in STEADINESS))
    rows: tuple[tuple[str | float, ...], ...] = tuple(
        (name, *values) for name, values in medians.items()
    )
    notes = (
        "Medians. flicker: to-and-fro of colours between neighbouring frames; consistency: cosine "
        "of the judge's features to the first and the previous frame; path: how far the thing's "
        "points go, in its sizes; change: how much it changes otherwise.",
    )
    sections: list[Section] = [
        score_table(scores),
        Table("Steadiness", columns, rows, footnotes=notes),
    ]
    for name in method.sets:
        requests = load_clip_set(name)
        items = tuple(
            MediaItem(_shown(run, name, index), request.prompt)
            for index, request in enumerate(chosen_requests(requests, None))
            if _shown(run, name, index).is_file()
        )
        sections.append(Gallery(f"First clips of '{name}', as they came", items))
    return tuple(sections)
