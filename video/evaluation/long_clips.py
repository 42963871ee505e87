"""Evaluating long clips: whether they go on as clips of 16 frames do, and show where they meet.

Clips are runs of the video app, read back from their lossless files. Of each prompt one short clip
is drawn, and a long one each way; both begin with the same noise.
"""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.atomic import write_json
from common.compare.estimates import Estimate as Interval
from common.compare.ratios import ratio_interval
from common.embedded.prior import embedded_schedule
from common.errors import InputError
from common.evaluation.frame_prompts import ClipRequest, load_clip_set
from common.evaluation.prompt_sets import chosen_requests
from common.judging.clip_steadiness import motion_steps, subject_consistency
from common.judging.judging import look
from common.media.pixels import from_frames
from common.media.video_read import read_clip
from common.report.content import Cell, Column, Gallery, MediaItem, Section, Table
from common.report.content import Interval as Shown
from common.runs.app import Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER, progress_bar
from common.shapes import Frames
from common.zoo.models import ZOO, load_judge
from video.app import APP as VIDEO
from video.clip_windows import windows_of
from video.config import VideoConfig, VideoExport
from video.evaluation.config import SHORT_FRAMES, EvaluateLongClips, EvaluateVideoConfig
from video.evaluation.seams import segment_borders, steps_at, window_borders
from video.export import opaque
from video.long_video import LongVideo
from video.metrics import flow_px
from video.text_to_video import TextToVideo
from video.windows_config import WindowsConfig

_FPS = 8.0
_NUM_SHOWN = 6
_SHORT = "short"
_WINDOWS: Mapping[str, WindowsConfig | None] = {
    "segments": None,
    "uniform": WindowsConfig(),
    "straight": WindowsConfig(schedule="straight"),
    "repeated": WindowsConfig(overlap=10, noise="repeated"),
}
_BARS = {"seam": 0.1, "seam beside": None, "dynamic degree": 0.2, "path": None, "consistency": 0.2}
"""How far from 1 each ratio may be."""
_OF_SHORT = {"dynamic degree": "flow_px", "path": "path", "consistency": "consistency"}
"""The figure whose ratio to short clips it is."""

Row = dict[str, dict[str, float]]
"""The figures of a prompt's clips: of the short one, and of each way."""


def check_long_clips(
    config: EvaluateVideoConfig, method: EvaluateLongClips, apps: Apps
) -> list[str]:
    """Refuse what the video app refuses; notes on keys that have no effect."""
    if len(set(method.ways)) < len(method.ways):
        raise InputError(f"method.ways are {', '.join(method.ways)}: name each once")
    for way in (_SHORT, *method.ways):
        asked = _asked(config, method, way, _requests(config)[0].prompt, 0)
        VIDEO.check(asked, apps)
    return []


def long_clips_estimate(config: EvaluateVideoConfig, method: EvaluateLongClips) -> Estimate:
    """Sizes and memory of the run: the largest of its clips'."""
    requests, estimates = _requests(config), []
    for way in (_SHORT, *method.ways):
        asked = _asked(config, method, way, requests[0].prompt, 0)
        estimates.append(VIDEO.estimate(asked))
    sizes = {"clips": f"{len(requests)} x {len(estimates)}"}
    memory = max(one.memory_bytes for one in estimates)
    return Estimate(sizes, memory, len(requests) * sum(one.steps for one in estimates))


def evaluate_long_clips(
    config: EvaluateVideoConfig, method: EvaluateLongClips, run: Run
) -> Outcome:
    """Draw and look at clip after clip; a resumed run continues within the one it was at."""
    with run.clock.stage("loading"):
        judge = load_judge(config.judge_dir or ZOO, run.device).model
    requests = _requests(config)
    rows: list[Row] = run.checkpoints.restored_state or []
    with progress_bar(len(requests), len(rows), "prompts", "prompt") as bar:
        for index in range(len(rows), len(requests)):
            row: Row = {}
            for way in (_SHORT, *method.ways):
                asked = _asked(config, method, way, requests[index].prompt, index)
                clip = _drawn(asked, run, way, index)
                with run.clock.stage("scoring"):
                    row[way] = _figures(asked, clip, judge)
            rows = [*rows, row]
            run.checkpoints.save(len(rows), rows)
            shutil.rmtree(run.folder.path / "parts")
            bar.update(1)
    found: dict[str, dict[str, Interval]] = {way: _ratios(rows, way) for way in method.ways}
    for way, ratios in found.items():
        LOGGER.info("%s: %s", way, ", ".join(f"{n} {one.value:.3f}" for n, one in ratios.items()))
    path = run.folder.samples / "figures.json"
    write_json(path, _plain(found) | {"each": _each(requests, rows)})
    return Outcome((path,), _sections(method, run, requests, rows, found))


def _requests(config: EvaluateVideoConfig) -> Sequence[ClipRequest]:
    return chosen_requests(load_clip_set("held_out"), config.max_prompts)


def _asked(
    config: EvaluateVideoConfig, method: EvaluateLongClips, way: str, prompt: str, index: int
) -> VideoConfig:
    """The run of the video app that draws a clip."""
    side = method.size_px
    drawing: TextToVideo | LongVideo
    if way == _SHORT:
        drawing = TextToVideo(num_frames=SHORT_FRAMES, height=side, width=side)
    else:
        drawing = LongVideo(num_frames=method.num_frames, height=side, width=side,
                            windows=_WINDOWS[way])  # fmt: skip
    return VideoConfig(
        name=f"{way}_{index:02d}", prompt=prompt, seed=config.seed + index, device=config.device,
        prior=config.prior, sampler=config.sampler, guidance=config.guidance, batch_size=1,
        method=drawing, export=VideoExport(formats=("webp",), fps=_FPS), embed_provenance=False,
    )  # fmt: skip


def _drawn(asked: VideoConfig, run: Run, way: str, index: int) -> Frames:
    """The frames of a clip, straight RGBA; the first clips are kept."""
    made = VIDEO.run(asked, run.part(asked.name))
    (path,) = made.artefacts
    if index < _NUM_SHOWN:
        shutil.copy(path, _shown(run, way, index))
    frames = read_clip(path, fps=_FPS).frames
    wanted = asked.method.num_frames
    assert len(frames) == wanted, f"{len(frames)} frames were read, and {wanted} drawn"
    return frames


def _shown(run: Run, way: str, index: int) -> Path:
    return run.folder.samples / f"{way}_{index:02d}.webp"


def _figures(asked: VideoConfig, frames: Frames, judge: Any) -> dict[str, float]:
    """Of one clip; of long ones the steps across borders, and beside them."""
    clip = from_frames(frames)
    steps = motion_steps(clip)
    found = {
        "flow_px": flow_px(opaque(frames, asked.export.background)),
        "path": float(steps.path.mean()),
        "consistency": subject_consistency(clip, lambda some: look(judge, some).features),
    }
    if isinstance(asked.method, LongVideo):
        found |= steps_at(steps.change, _borders(asked, asked.method))._asdict()
    return found


def _borders(asked: VideoConfig, method: LongVideo) -> tuple[int, ...]:
    windows = windows_of(asked)
    if windows is None:
        return segment_borders(method, asked.prompt)
    return window_borders(windows, asked.sampler, embedded_schedule(), "v")


def _ratios(rows: Sequence[Row], way: str) -> dict[str, Interval]:
    """Of one way, over the prompts: steps across borders to those beside, long clips to short."""
    found = {
        "seam": _ratio(rows, (way, "across"), (way, "inside")),
        "seam beside": _ratio(rows, (way, "across"), (way, "beside")),
    }
    for name, figure in _OF_SHORT.items():
        found[name] = _ratio(rows, (way, figure), (_SHORT, figure))
    return found


def _ratio(rows: Sequence[Row], above: tuple[str, str], below: tuple[str, str]) -> Interval:
    one, other = ([row[clip][figure] for row in rows] for clip, figure in (above, below))
    return ratio_interval(one, other)


def _plain(found: Mapping[str, Mapping[str, Interval]]) -> dict[str, float | None]:
    """Each ratio by ``<way>/<name>``, and the ends of its interval."""
    return {
        f"{way}/{name}{end}": value
        for way, ratios in found.items()
        for name, one in ratios.items()
        for end, value in (("", one.value), (" lo", one.lo), (" hi", one.hi))
    }


def _each(requests: Sequence[ClipRequest], rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{"prompt": one.prompt, **row} for one, row in zip(requests, rows, strict=True)]


def _sections(
    method: EvaluateLongClips,
    run: Run,
    requests: Sequence[ClipRequest],
    rows: Sequence[Row],
    found: Mapping[str, Mapping[str, Interval]],
) -> tuple[Section, ...]:
    columns = (Column("Way", align="left"), Column("Ratio", align="left"), Column("Value"),
               Column("At most from 1"))  # fmt: skip
    cells: list[tuple[Cell, ...]] = [
        (way, name, _shown_interval(one), _BARS[name])
        for way, ratios in found.items()
        for name, one in ratios.items()
    ]
    notes = (
        "seam: how much the thing changes from frame to frame, once moving, growing and turning "
        "are taken away, across the borders of segments or windows, to how much it does inside of "
        "them; seam beside, to the two steps before and after. The others are of long clips to "
        f"clips of {SHORT_FRAMES} frames for the same prompts and seeds: dynamic degree, mean "
        "length of the largest 5 % of the optical flow; path, how far the thing's points go from "
        "frame to frame, in its sizes; consistency, cosine of the judge's features to the first "
        "and the previous frame. Each is a ratio of means over prompts, with a 95 % interval.",
    )
    items = tuple(
        MediaItem(_shown(run, way, index), f"{way}: {request.prompt}")
        for index, request in enumerate(requests[:_NUM_SHOWN])
        for way in (_SHORT, *method.ways)
    )
    title = f"{len(rows)} prompts, {method.num_frames} frames"
    return (Table(title, columns, tuple(cells), footnotes=notes), Gallery("First clips", items))


def _shown_interval(one: Interval) -> Cell:
    if one.lo is None or one.hi is None:
        return one.value
    return Shown(one.value, one.lo, one.hi)
