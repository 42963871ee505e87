"""Evaluating camera paths: from where the frames of a clip show the thing, against what was asked.

Clips are runs of the video app, read back from their lossless files, of things whose views the
judge can tell. The ceiling is what it says of true renders of the kit along the same path, as the
autoencoder lets them through; the floors are the error against the views of the clip's other
frames, and that of clips which stay in the middle of the path.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.atomic import write_json
from common.compare.estimates import student_interval
from common.embedded.autoencoder import Autoencoder
from common.embedded.frame_coding import decoded_frames, encoded_frames
from common.embedded.image_unet import View
from common.embedded.judge import Judge
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.evaluation.figures import judge_figures
from common.evaluation.prompt_sets import Request, chosen_requests, load_prompt_set
from common.generation.priors import models_folder
from common.judging.azimuth import RIGHT_WITHIN_DEG, degrees_apart
from common.judging.clip_steadiness import temporal_flicker
from common.judging.judging import judgements, look
from common.judging.names import load_names
from common.judging.read_texts import ReadTexts
from common.judging.scored import told_categories
from common.media.pixels import from_frames
from common.media.video_read import read_clip
from common.report.content import Cell, Column, Gallery, Interval, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER, progress_bar
from common.shapes import Frames
from common.zoo.models import ZOO, load_autoencoder, load_judge
from video.app import APP as VIDEO
from video.config import VideoConfig, VideoExport
from video.evaluation.config import EvaluateCameraPath, EvaluateVideoConfig
from video.text_to_video import TextToVideo
from video.timeline.config import Timeline
from video.timeline.curve import Curve

_FPS = 8.0
_BARS = {"error_deg": "at most 20"}

Row = dict[str, Any]
"""What is kept of a clip: its prompt; the azimuths that were asked, seen in it and seen in a true
clip; how often the thing is told; and how steady both clips are."""


class _Judging(NamedTuple):
    """What looks at clips."""

    judge: Judge
    texts: ReadTexts
    autoencoder: Autoencoder


def check_camera_paths(
    config: EvaluateVideoConfig, method: EvaluateCameraPath, apps: Apps
) -> list[str]:
    """Refuse priors without views, and what the video app refuses."""
    requests = _requests(config)
    if not requests:
        raise InputError(
            "the judge tells the views of none of the categories that are asked for: leave "
            "judge_dir out, or fit one with views (python run.py train/judge)"
        )
    return VIDEO.check(_asked(config, method, requests[0].prompt, 0), apps)


def camera_paths_estimate(config: EvaluateVideoConfig, method: EvaluateCameraPath) -> Estimate:
    """Sizes and memory of the run: those of one of its clips."""
    requests = _requests(config)
    one = VIDEO.estimate(_asked(config, method, requests[0].prompt, 0))
    return Estimate({"clips": str(len(requests))}, one.memory_bytes, len(requests) * one.steps)


def evaluate_camera_paths(
    config: EvaluateVideoConfig, method: EvaluateCameraPath, run: Run
) -> Outcome:
    """Draw and look at clip after clip; a resumed run continues with the one it was at."""
    assert isinstance(config.prior, EmbeddedPriorConfig)  # ``check`` has refused the others
    with run.clock.stage("loading"):
        judge = load_judge(config.judge_dir or ZOO, run.device).model
        autoencoder = load_autoencoder(models_folder(config.prior), run.device).model
        judging = _Judging(judge, ReadTexts(judge, load_names()), autoencoder)
    requests = _requests(config)
    rows: list[Row] = run.checkpoints.restored_state or []
    with progress_bar(len(requests), len(rows), "paths", "path") as bar:
        for index in range(len(rows), len(requests)):
            rows = [*rows, _row(config, method, run, judging, requests[index], index)]
            run.checkpoints.save(len(rows), rows)
            shutil.rmtree(run.folder.path / "parts")
            bar.update(1)
    figures = figures_of(rows)
    LOGGER.info("%s", ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    path = run.folder.samples / "figures.json"
    write_json(path, figures | {"each": rows})
    return Outcome((path,), _sections(run, rows, figures))


def figures_of(rows: Sequence[Row]) -> dict[str, float]:
    """Means over frames and clips.

    ``error_deg``: the smaller angle between seen and asked azimuth; ``truth_deg``: the same of true
    clips; ``shuffled_deg``: between seen azimuths and those asked of the clip's other frames;
    ``still_deg``: of clips that stay in the middle of the path; ``within``: share of frames within
    22.5 degrees; ``thing``: share of frames whose thing the judge names first of 129; ``flicker``:
    how far colours jump to and fro from frame to frame; ``jerk``: the largest change from one frame
    to the next, in mean changes of the clip; both also of true clips.
    """
    asked, drawn, truth = (
        [np.array(row[name]) for row in rows] for name in ("asked", "drawn", "truth")
    )
    errors = np.concatenate([_apart(*pair) for pair in zip(drawn, asked, strict=True)])
    return {
        "error_deg": float(errors.mean()),
        "truth_deg": _mean_apart(truth, asked),
        "shuffled_deg": float(np.mean([_shuffled(*p) for p in zip(drawn, asked, strict=True)])),
        "still_deg": _mean_apart([np.full(len(one), np.mean(one)) for one in asked], asked),
        "within": float((errors <= RIGHT_WITHIN_DEG).mean()),
        "thing": float(np.mean([row["thing"] for row in rows])),
        **{name: float(np.mean([row[name] for row in rows]))
           for name in ("flicker", "flicker_truth", "jerk", "jerk_truth")},
    }  # fmt: skip


def _apart(
    one_deg: Float[np.ndarray, " f"], other_deg: Float[np.ndarray, " f"]
) -> Float[np.ndarray, " f"]:
    apart = degrees_apart(torch.from_numpy(one_deg).float(), torch.from_numpy(other_deg).float())
    return np.asarray(apart.numpy())


def _mean_apart(
    seen: Sequence[Float[np.ndarray, " f"]], asked: Sequence[Float[np.ndarray, " f"]]
) -> float:
    return float(np.mean([_apart(*pair).mean() for pair in zip(seen, asked, strict=True)]))


def _shuffled(seen: Float[np.ndarray, " f"], asked: Float[np.ndarray, " f"]) -> float:
    """Mean error over all ways to move the asked views on by some frames."""
    moved = [_apart(seen, np.roll(asked, way)).mean() for way in range(1, len(asked))]
    return float(np.mean(moved))


def _requests(config: EvaluateVideoConfig) -> Sequence[Request]:
    """The committed prompts of things whose views the judge can tell."""
    told = told_categories(judge_figures(config.judge_dir))
    every = load_prompt_set("objects", frozenset()).requests
    return chosen_requests([o for o in every if o.asked[0].concept in told], config.max_prompts)


def _path(method: EvaluateCameraPath, index: int) -> dict[int, float]:
    """Keys of the azimuth: to the thing's left and to its right in turn."""
    return {0: 0.0, method.num_frames - 1: method.turn_deg * (1 if index % 2 == 0 else -1)}


def _asked(
    config: EvaluateVideoConfig, method: EvaluateCameraPath, prompt: str, index: int
) -> VideoConfig:
    """The run of the video app that draws a clip."""
    side = method.size_px
    timeline = Timeline(
        azimuth_deg=Curve(keys=_path(method, index)),
        elevation_deg=Curve(keys={0: method.elevation_deg}),
    )
    drawing = TextToVideo(num_frames=method.num_frames, height=side, width=side, timeline=timeline)
    return VideoConfig(
        name=f"path_{index:02d}", prompt=prompt, seed=config.seed + index, device=config.device,
        prior=config.prior, sampler=config.sampler, guidance=config.guidance, batch_size=1,
        num_samples=1, method=drawing, embed_provenance=False,
        export=VideoExport(formats=("webp",), fps=_FPS),
    )  # fmt: skip


def _row(
    config: EvaluateVideoConfig,
    method: EvaluateCameraPath,
    run: Run,
    judging: _Judging,
    request: Request,
    index: int,
) -> Row:
    """Draw one clip, and look at it and at a true one."""
    asked = _asked(config, method, request.prompt, index)
    made = VIDEO.run(asked, run.part(asked.name))
    (path,) = made.artefacts
    shutil.copy(path, run.folder.samples / f"{index:02d}.webp")
    frames: Frames = read_clip(path, fps=_FPS).frames
    azimuths = Curve(keys=_path(method, index)).values(method.num_frames, None)
    with run.clock.stage("scoring"), torch.no_grad():
        true = _true_clip(judging.autoencoder, request, azimuths, method)
        drawn = from_frames(frames)
        seen = look(judging.judge, rearrange(drawn, "c f h w -> f c h w"))
        said = replace(request.asked[0], azimuth_deg=None)
        found = judgements(seen, [said] * len(frames), judging.texts)
        truth = look(judging.judge, rearrange(true, "c f h w -> f c h w"))
        return {
            "prompt": request.prompt, "asked": azimuths.tolist(),
            "drawn": seen.azimuths_deg.tolist(), "truth": truth.azimuths_deg.tolist(),
            "thing": sum(one.rank == 0 for one in found) / len(found),
            "flicker": temporal_flicker(drawn), "flicker_truth": temporal_flicker(true),
            "jerk": _jerk(drawn), "jerk_truth": _jerk(true),
        }  # fmt: skip


def _true_clip(
    autoencoder: Autoencoder,
    request: Request,
    azimuths_deg: Float[np.ndarray, " f"],
    method: EvaluateCameraPath,
) -> Float[Tensor, "4 f h w"]:
    """A held-out instance of the kit along the path, as the autoencoder lets it through."""
    from common.training.kit.asset_truth import true_pictures

    views = tuple(View(azimuth, method.elevation_deg) for azimuth in azimuths_deg.tolist())
    asked = request.asked[0]
    (rendered,) = true_pictures(str(asked.concept), asked.colour, 1, views)
    small = torch.nn.functional.interpolate(
        rearrange(rendered, "v h w c -> v c h w"), (method.size_px,) * 2, mode="area"
    )
    clip = rearrange(small * 2 - 1, "v c h w -> 1 c v h w")
    return decoded_frames(autoencoder, encoded_frames(autoencoder, clip)).clamp(-1, 1)[0]


def _jerk(clip: Float[Tensor, "4 f h w"]) -> float:
    """The largest root mean square change between neighbours, in the mean of all."""
    changes = clip.diff(dim=1).square().mean((0, 2, 3)).sqrt()
    return float(changes.max() / changes.mean().clamp_min(1e-6))


def _sections(run: Run, rows: Sequence[Row], figures: dict[str, float]) -> tuple[Section, ...]:
    each = [_mean_apart([np.array(row["drawn"])], [np.array(row["asked"])]) for row in rows]
    shown: Cell = figures["error_deg"]
    if len(each) > 1:
        error = float(np.std(each, ddof=1)) / len(each) ** 0.5
        ends = student_interval(figures["error_deg"], error, float(len(each) - 1), 0.95)
        shown = Interval(figures["error_deg"], *ends)
    columns = (Column("Figure", align="left"), Column("Value"), Column("Bar", align="left"))
    cells: list[tuple[Cell, ...]] = [
        (name, shown if name == "error_deg" else value, _BARS.get(name, ""))
        for name, value in figures.items()
    ]
    notes = (" ".join((figures_of.__doc__ or "").split()),)
    items = tuple(
        MediaItem(run.folder.samples / f"{index:02d}.webp", f"{row['prompt']}: {error:.0f} degrees")
        for index, (row, error) in enumerate(zip(rows, each, strict=True))
    )
    title = f"{len(rows)} paths of {len(rows[0]['asked'])} frames"
    return (Table(title, columns, tuple(cells), footnotes=notes), Gallery("The clips", items))
