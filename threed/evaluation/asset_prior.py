"""Evaluating assets: prompts -> assets -> the judge, outlines, flatness."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch

from common.atomic import write_json
from common.evaluation.figures import judge_figures
from common.evaluation.frame_prompts import AssetSetName, load_asset_set
from common.evaluation.prompt_sets import chosen_requests
from common.evaluation.score_table import Scores, plain, said, score_table
from common.judging.asked import Asked
from common.judging.scored import Score, scored
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import LOGGER
from common.zoo.models import ZOO, load_judge
from threed.evaluation.asset_look import SIDES, AssetLook, OutlineScore, asset_look
from threed.evaluation.config import EvaluateAssets, EvaluateThreedConfig
from threed.make_asset import make_asset
from threed.view_priors import build_view_prior

_MEMORY_BYTES = 2 * 2**30

Row = tuple[torch.Tensor, bool, float, tuple[float, float] | None]
"""An `AssetLook` as plain state."""


def asset_estimate(config: EvaluateThreedConfig, method: EvaluateAssets) -> Estimate:
    """Sizes and memory of the run."""
    counts = {name: len(_asked(config, name)) for name in method.sets}
    sizes = {str(name): f"{count} assets" for name, count in counts.items()}
    return Estimate(sizes, _MEMORY_BYTES, sum(counts.values()) * method.asset.num_evaluations)


def evaluate_assets(config: EvaluateThreedConfig, method: EvaluateAssets, run: Run) -> Outcome:
    """Make and look at asset after asset; a resumed run continues within the one it was at."""
    with run.clock.stage("loading"):
        prior = build_view_prior(config.prior, method.asset, run.device)
        judge = load_judge(config.judge_dir or ZOO, run.device).model
    figures = judge_figures(config.judge_dir)
    kept: dict[str, list[Row]] = run.checkpoints.restored_state or {n: [] for n in method.sets}
    scores: Scores = {}
    looks: dict[str, list[AssetLook]] = {}
    for name in method.sets:
        asked = _asked(config, name)
        for index in range(len(kept[name]), len(asked)):
            kept[name].append(_row_of(_made_look(config, method, run, prior, name, index, asked)))
            run.checkpoints.save(sum(map(len, kept.values())), kept)
            shutil.rmtree(run.folder.path / "parts")
        looks[name] = [_look_of(row) for row in kept[name]]
        scores[name] = _scores(judge, figures, name, asked, looks[name])
        _write_sheet(run, name, asked, looks[name])
        LOGGER.info("%s: %s", name, said(scores[name]))
    path = run.folder.samples / "figures.json"
    write_json(path, plain(scores) | _shape_figures(looks))
    return Outcome((path,), _sections(run, method, scores, looks))


def _asked(config: EvaluateThreedConfig, name: AssetSetName) -> Sequence[Asked]:
    return chosen_requests(load_asset_set(name), config.max_prompts)


def _part(run: Run, name: str, index: int) -> Run:
    return run.part(f"{name}_{index:02d}")


def _made_look(
    config: EvaluateThreedConfig,
    method: EvaluateAssets,
    run: Run,
    prior: Any,
    name: AssetSetName,
    index: int,
    asked: Sequence[Asked],
) -> AssetLook:
    """Make asset ``index`` of a set and look at it."""
    from common.training.asset_truth import true_shapes

    one = asked[index]
    LOGGER.info("%s %d of %d: %s", name, index + 1, len(asked), one.caption)
    made = make_asset(
        method.asset, one.caption, prior, config.seed + index, _part(run, name, index)
    )
    known = name != "emoji" and one.concept is not None
    truths = true_shapes(str(one.concept), method.num_truths) if known else ()
    with run.clock.stage("scoring"):
        return asset_look(made.mesh, made.silhouette_iou, truths, method.asset.view_shape[1])


def _row_of(look: AssetLook) -> Row:
    found = look.outlines
    outlines = (found.iou, found.ellipsoid_iou) if found else None
    return look.sides, look.is_billboard, look.silhouette_iou, outlines


def _look_of(row: Row) -> AssetLook:
    sides, flat, overlap, outlines = row
    return AssetLook(sides, flat, overlap, OutlineScore(*outlines) if outlines else None)


def _scores(
    judge: Any,
    figures: Mapping[str, float],
    name: AssetSetName,
    asked: Sequence[Asked],
    looks: Sequence[AssetLook],
) -> dict[str, Score]:
    """What the judge says of the fronts."""
    fronts = torch.stack([look.sides[0] for look in looks])
    found = scored(judge, fronts, asked, figures, "new colours" if name == "held_out" else "front")
    return {f"front_{score.partition('/')[2]}": value for score, value in found.items()}


def _shape_figures(looks: Mapping[str, Sequence[AssetLook]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, of_set in looks.items():
        found[f"{name}/billboards"] = float(sum(look.is_billboard for look in of_set))
        found[f"{name}/overlap_with_views"] = mean(look.silhouette_iou for look in of_set)
        outlines = [look.outlines for look in of_set if look.outlines is not None]
        if outlines:
            found[f"{name}/outline_iou"] = mean(one.iou for one in outlines)
            found[f"{name}/ellipsoid_iou"] = mean(one.ellipsoid_iou for one in outlines)
    return found


def _sheet(run: Run, name: str) -> Path:
    return run.folder.samples / f"{name}.png"


def _write_sheet(run: Run, name: str, asked: Sequence[Asked], looks: Sequence[AssetLook]) -> None:
    """Every asset from four sides, a row each, two rows side by side."""
    pictures = [to_picture(side) for look in looks for side in look.sides]
    captions = [text for one in asked for text in (one.caption, *[""] * (len(SIDES) - 1))]
    sheet = picture_sheet(pictures, captions=captions, num_columns=2 * len(SIDES))
    write_picture(_sheet(run, name), sheet)


def _sections(
    run: Run,
    method: EvaluateAssets,
    scores: Scores,
    looks: Mapping[str, Sequence[AssetLook]],
) -> tuple[Section, ...]:
    figures = _shape_figures(looks)
    keys = ("outline_iou", "ellipsoid_iou", "overlap_with_views", "billboards")
    columns = (
        Column("Prompts", align="left"), Column("Outlines like the truest shape's"),
        Column("The best ellipsoid's"), Column("Outlines like its views'"), Column("Billboards"),
    )  # fmt: skip
    rows = tuple((name, *(figures.get(f"{name}/{key}") for key in keys)) for name in looks)
    notes = (
        f"Overlaps (intersection over union), from eight sides with the best of "
        f"{method.num_truths} held-out instances of the kit, from the views' sides with those. A "
        "billboard is flatter than any body.",
    )
    items = tuple(MediaItem(_sheet(run, name), name) for name in looks)
    return (
        score_table(scores),
        Table("Shapes", columns, rows, footnotes=notes),
        Gallery("Every asset from four sides, as it came", items),
    )
