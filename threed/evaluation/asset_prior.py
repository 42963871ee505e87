"""Evaluating assets: prompts -> assets -> the judge, outlines, flatness."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
from common.judging.scored import RealPictures, Score, scored
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Gallery, MediaItem, Section
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import LOGGER
from common.shapes import Images
from common.zoo.models import ZOO, load_judge
from threed.evaluation.asset_look import SIDES, AssetLook, OutlineScore, asset_look
from threed.evaluation.asset_tables import shape_tables
from threed.evaluation.config import EvaluateAssets, EvaluateThreedConfig
from threed.evaluation.front_look import close_front, fronts_told, have_one_front
from threed.make_asset import make_asset
from threed.view_priors import build_view_prior

_MEMORY_BYTES = 2 * 2**30

Pair = tuple[float, float]
Row = tuple[torch.Tensor, bool, float, Pair | None, Pair | None, torch.Tensor | None, int, bool]
"""An `_Seen` as plain state."""


@dataclass(frozen=True, eq=False)
class _Seen:
    """One asset."""

    look: AssetLook
    close: Images | None
    """The front as large as emoji are, of assets that are named among emoji."""
    num_fronts: int
    has_front: bool
    """Whether the true objects have one front."""


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
    looks: dict[str, list[_Seen]] = {}
    for name in method.sets:
        asked = _asked(config, name)
        for index in range(len(kept[name]), len(asked)):
            kept[name].append(_row_of(_made(config, method, run, prior, judge, name, index, asked)))
            run.checkpoints.save(sum(map(len, kept.values())), kept)
            shutil.rmtree(run.folder.path / "parts")
        looks[name] = [_seen_of(row) for row in kept[name]]
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


def _made(
    config: EvaluateThreedConfig,
    method: EvaluateAssets,
    run: Run,
    prior: Any,
    judge: Any,
    name: AssetSetName,
    index: int,
    asked: Sequence[Asked],
) -> _Seen:
    """Make asset ``index`` of a set and look at it."""
    from common.training.kit.asset_truth import true_objects, true_shapes

    one = asked[index]
    LOGGER.info("%s %d of %d: %s", name, index + 1, len(asked), one.caption)
    made = make_asset(
        method.asset, one.caption, prior, config.seed + index, _part(run, name, index)
    )
    known = name != "emoji" and one.concept is not None
    size_px, category = method.asset.view_shape[1], str(one.concept)
    with run.clock.stage("scoring"):
        truths = true_shapes(category, method.num_truths + 1) if known else ()
        objects = true_objects(category, one.colour, method.num_fronted) if known else ()
        fronted = known and have_one_front(judge, objects)
        found = asset_look(made.mesh, made.silhouette_iou, truths, size_px)
        close = None if known else close_front(made.mesh, size_px)
        return _Seen(found, close, fronts_told(judge, made.mesh), fronted)


def _row_of(seen: _Seen) -> Row:
    found = seen.look
    outlines, true = (
        (one.iou, one.ellipsoid_iou) if one else None
        for one in (found.outlines, found.true_outlines)
    )
    return (found.sides, found.is_billboard, found.silhouette_iou, outlines, true, seen.close,
            seen.num_fronts, seen.has_front)  # fmt: skip


def _seen_of(row: Row) -> _Seen:
    sides, flat, overlap, outlines, true, close, num_fronts, has_front = row
    scores = (OutlineScore(*one) if one else None for one in (outlines, true))
    return _Seen(AssetLook(sides, flat, overlap, *scores), close, num_fronts, has_front)


def _scores(
    judge: Any,
    figures: Mapping[str, float],
    name: AssetSetName,
    asked: Sequence[Asked],
    looks: Sequence[_Seen],
) -> dict[str, Score]:
    """What the judge says of the fronts, and of those that are as large as emoji are."""
    real: RealPictures = "front" if name == "emoji" else "new colours"
    shown = {"front": torch.stack([one.look.sides[0] for one in looks])}
    close = [one.close for one in looks if one.close is not None]
    if close:
        shown["close_front"] = torch.cat(close)
    return {
        f"{what}_{score.partition('/')[2]}": value
        for what, pictures in shown.items()
        for score, value in scored(judge, pictures, asked, figures, real).items()
    }


def _shape_figures(looks: Mapping[str, Sequence[_Seen]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, of_set in looks.items():
        found[f"{name}/billboards"] = float(sum(one.look.is_billboard for one in of_set))
        found[f"{name}/overlap_with_views"] = mean(one.look.silhouette_iou for one in of_set)
        for prefix, outlines in (
            ("", [one.look.outlines for one in of_set]),
            ("true_", [one.look.true_outlines for one in of_set]),
        ):
            known = [one for one in outlines if one is not None]
            if known:
                found[f"{name}/{prefix}outline_iou"] = mean(one.iou for one in known)
                found[f"{name}/{prefix}ellipsoid_iou"] = mean(one.ellipsoid_iou for one in known)
        fronted = [one.num_fronts for one in of_set if one.has_front]
        if fronted:
            found[f"{name}/with_a_front"] = float(len(fronted))
            found[f"{name}/one_front"] = float(fronted.count(1))
            found[f"{name}/several_fronts"] = float(sum(count > 1 for count in fronted))
    return found


def _sheet(run: Run, name: str) -> Path:
    return run.folder.samples / f"{name}.png"


def _write_sheet(run: Run, name: str, asked: Sequence[Asked], looks: Sequence[_Seen]) -> None:
    """Every asset from four sides, a row each, two rows side by side."""
    pictures = [to_picture(side) for one in looks for side in one.look.sides]
    captions = [text for one in asked for text in (one.caption, *[""] * (len(SIDES) - 1))]
    sheet = picture_sheet(pictures, captions=captions, num_columns=2 * len(SIDES))
    write_picture(_sheet(run, name), sheet)


def _sections(
    run: Run,
    method: EvaluateAssets,
    scores: Scores,
    looks: Mapping[str, Sequence[_Seen]],
) -> tuple[Section, ...]:
    items = tuple(MediaItem(_sheet(run, name), name) for name in looks)
    return (
        score_table(scores),
        *shape_tables(tuple(looks), _shape_figures(looks), method.num_truths),
        Gallery("Every asset from four sides, as it came", items),
    )
