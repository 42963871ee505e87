"""The clip_distance app: two sets of clips -> features and figures -> how far they are apart."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any, get_args

import numpy as np
import torch

from common.atomic import write_json
from common.compare.means import mean_interval
from common.errors import InputError
from common.report.content import Cell, Column, Gallery, Interval, MediaItem, Table
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER, progress_bar
from common.shapes import Frames
from video.evaluation.clip_distance_config import ClipDistanceConfig
from video.evaluation.clip_sets import ClipSets, clip_sets, read_frames
from video.evaluation.set_distance import Looks, SetDistance, set_distances
from video.export import opaque
from video.judged_metrics import ClipJudge, frame_features, judged_metrics, load_clip_judge
from video.metrics import LEAST_FRAMES, JudgedMetric, PixelMetric, clip_metrics

_LIBRARIES_BYTES = 900 * 2**20
_COPIES = 12
"""Float32 copies of a clip's pixels that are alive at the peak."""
_BACKGROUND = "#ffffff"
"""On which pixels of transparent clips are measured."""
_NUM_FEW = 256
_NUM_SHOWN = 4
_SETS = ("real", "drawn")

Row = dict[str, Any]
"""Of a clip: the features of its frames, and its figures."""


def check(config: ClipDistanceConfig, apps: Apps) -> list[str]:
    """Refuse sets that cannot be measured; notes on what their figures are worth."""
    sets = clip_sets(config)
    _check_metrics(config, sets)
    notes = []
    if min(len(sets.real), len(sets.drawn)) < _NUM_FEW:
        notes.append(
            f"{len(sets.real)} and {len(sets.drawn)} clips: distances of few clips are too large; "
            "hold them against their floor, and against distances of as many clips alone"
        )
    if len(sets.sizes) > 1:
        notes.append(
            f"clips are of {len(sets.sizes)} sizes ({', '.join(sets.sizes[:4])}): the judge sees "
            "all at one, and figures in pixels are of each one's own"
        )
    return notes


def _check_metrics(config: ClipDistanceConfig, sets: ClipSets) -> None:
    for name in config.metrics:
        if config.num_frames < LEAST_FRAMES[name]:
            raise InputError(
                f"{name} is of {LEAST_FRAMES[name]} frames or more, and num_frames is "
                f"{config.num_frames}: leave it out of metrics, or raise num_frames"
            )
    if "judge_text_alignment" in config.metrics:
        raise InputError(
            "judge_text_alignment is of clips and their prompts, which sets of files do not have: "
            "set it in metrics of the runs that draw them"
        )
    if sets.transparent and "judge_background_consistency" in config.metrics:
        raise InputError(
            "judge_background_consistency has no meaning here: the clips can be seen through; "
            "leave it out of metrics"
        )


def estimate(config: ClipDistanceConfig) -> Estimate:
    """Sizes and memory of the run: one clip is held at a time."""
    sets = clip_sets(config)
    largest = max(_num_pixels(size) for size in sets.sizes)
    memory = _LIBRARIES_BYTES + _COPIES * 4 * 4 * min(config.num_frames, 64) * largest
    count = len(sets.real) + len(sets.drawn)
    sizes = {"real": f"{len(sets.real)} clips", "drawn": f"{len(sets.drawn)} clips",
             "size": ", ".join(sets.sizes[:4]), "num_frames": str(config.num_frames)}  # fmt: skip
    return Estimate(sizes, memory, count)


def _num_pixels(size: str) -> int:
    width, height = map(int, size.split("x"))
    return width * height


def run(config: ClipDistanceConfig, run: Run) -> Outcome:
    """Look at clip after clip; a resumed run continues with the next."""
    sets = clip_sets(config)
    with run.clock.stage("loading"):
        judge = load_clip_judge(run.device)
    found: dict[str, list[Row]] = run.checkpoints.restored_state or {name: [] for name in _SETS}
    places = {"real": sets.real, "drawn": sets.drawn}
    for name in _SETS:
        _look_at(config, run, judge, name, places[name], found)
    with run.clock.stage("distances"):
        real, drawn = (_stacked(found[name]) for name in _SETS)
        distances = set_distances(real, drawn, config.seed, config.num_resamples)
    for key, one in distances.items():
        LOGGER.info("%s %.4f [%.4f, %.4f], floor %.4f, shuffled %.4f, p %.3g", key, one.value,
                    one.lo, one.hi, one.floor, one.shuffled, one.p_value)  # fmt: skip
    path = run.folder.samples / "figures.json"
    write_json(path, _plain(config, sets, found, distances))
    sections = [_distance_table(sets, distances)]
    if config.metrics:
        sections.append(_metric_table(config, found))
    shown = tuple(MediaItem(one.absolute(), f"{name}: {one.name}") for name in _SETS
                  for one in places[name][:_NUM_SHOWN])  # fmt: skip
    return Outcome((path,), (*sections, Gallery("First clips of both", shown)))


def _look_at(
    config: ClipDistanceConfig,
    run: Run,
    judge: ClipJudge,
    name: str,
    paths: Sequence[Path],
    found: dict[str, list[Row]],
) -> None:
    """Add a row for each clip of a set that has none yet."""
    rows = found[name]
    left = paths[len(rows) :]
    with progress_bar(len(paths), len(rows), name, "clip") as bar, run.clock.stage("clips"):
        for frames in read_frames(left, config):
            rows.append(_row(config, judge, frames))
            run.checkpoints.offer(sum(map(len, found.values())), found)
            bar.update(1)


def _row(config: ClipDistanceConfig, judge: ClipJudge, frames: Frames) -> Row:
    pixels: list[PixelMetric] = [one for one in get_args(PixelMetric) if one in config.metrics]
    judged: list[JudgedMetric] = [one for one in get_args(JudgedMetric) if one in config.metrics]
    figures = clip_metrics(pixels, opaque(frames, _BACKGROUND))
    figures |= judged_metrics(judged, judge, frames, None)
    return {"looks": frame_features(judge, frames), "figures": figures}


def _stacked(rows: Sequence[Row]) -> Looks:
    return np.asarray(torch.stack([row["looks"] for row in rows]).double().numpy())


def _plain(
    config: ClipDistanceConfig,
    sets: ClipSets,
    found: Mapping[str, Sequence[Row]],
    distances: Mapping[str, SetDistance],
) -> dict[str, Any]:
    values: dict[str, Any] = {name: one.value for name, one in distances.items()}
    values |= {f"{name}/{key}": value for name, one in distances.items()
               for key, value in asdict(one).items() if key != "value"}  # fmt: skip
    for name in _SETS:
        values |= {f"{name}/{metric}": fmean(row["figures"][metric] for row in found[name])
                   for metric in config.metrics}  # fmt: skip
    each = {
        name: [{"clip": str(path), **row["figures"]}
               for path, row in zip(paths, found[name], strict=True)]
        for name, paths in (("real", sets.real), ("drawn", sets.drawn))
    }  # fmt: skip
    return values | {"num_real": len(sets.real), "num_drawn": len(sets.drawn), "each": each}


def _mean(rows: Sequence[Row], metric: str) -> Cell:
    one = mean_interval([row["figures"][metric] for row in rows])
    return one.value if one.lo is None or one.hi is None else Interval(one.value, one.lo, one.hi)


def _distance_table(sets: ClipSets, distances: Mapping[str, SetDistance]) -> Table:
    columns = (
        Column("Features", align="left"), Column("Distance"), Column("Floor"),
        Column("p"), Column("Real, frames shuffled"),
    )  # fmt: skip
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, Interval(one.value, one.lo, one.hi), one.floor, one.p_value, one.shuffled)
        for name, one in distances.items()
    )
    notes = (
        "Frechet video distances on the judge's features of frames: fvd on their mean over a clip "
        "and on how much they change from frame to frame; fvd_frames and fvd_changes on either "
        "alone. Not comparable with distances on I3D, nor with other numbers of clips: of few "
        "clips they are too large. Floor: what as many clips of one source would have that vary as "
        "much, from dealing these out to two sets at random with one mean. p: that both are of one "
        "source, by dealing them out as they are. Real, frames shuffled: the real clips against "
        "themselves in no order. Intervals: 95 % over clips, at these numbers of them.",
    )
    title = f"{len(sets.drawn)} drawn clips against {len(sets.real)} real ones"
    return Table(title, columns, rows, footnotes=notes)


def _metric_table(config: ClipDistanceConfig, found: Mapping[str, Sequence[Row]]) -> Table:
    columns = (Column("Figure", align="left"), *(Column(name.capitalize()) for name in _SETS))
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (metric, *(_mean(found[name], metric) for name in _SETS)) for metric in config.metrics
    )
    notes = ("Means over clips with 95 % intervals. None is good or bad by itself: a still is "
             "smooth, steady and does not flicker.",)  # fmt: skip
    return Table("Figures of single clips", columns, rows, footnotes=notes)


APP = App(ClipDistanceConfig, run, estimate, check)
"""The keys of the clip_distance app."""
