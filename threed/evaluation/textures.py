"""Evaluating textures: prompts and bare true shapes -> painted in several ways -> the judge, seams.

The judge sees fronts in the light that it learned from, so that a texture without light is not told
by its flatness. The same shape in grey says how much of a score is due to the shape alone.
"""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from common.atomic import write_json
from common.embedded.orbit import cameras_on_orbit
from common.embedded.studio_light import STUDIO_LIGHTING
from common.evaluation.figures import judge_figures
from common.evaluation.frame_prompts import load_asset_set
from common.evaluation.prompt_sets import chosen_requests
from common.evaluation.score_table import Scores, plain, said, score_table
from common.judging.asked import Asked
from common.judging.scored import scored
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import LOGGER
from common.zoo.models import ZOO, load_judge
from threed.evaluation.asset_look import SIDES
from threed.evaluation.config import EvaluateTextures, EvaluateThreedConfig, TextureSetName
from threed.painting.painted import paint
from threed.painting.painted_mesh import bare_shape
from threed.painting.painters import build_painter, painter_bytes
from threed.painting.painting import Painting

_MEMORY_BYTES = 2 * 2**30
_GREY = 0.75
FIGURES = ("guessed", "seam_ratio", "shown_again_db", "seen")

Row = tuple[Tensor, Tensor, dict[str, float]]
"""Pictures from `SIDES` of the painted and of the grey mesh, and the texture's figures."""


def texture_estimate(config: EvaluateThreedConfig, method: EvaluateTextures) -> Estimate:
    """Sizes and memory of the run."""
    count = sum(len(_asked(config, name)) for name in method.sets)
    steps = sum(_in_way(method, way).num_evaluations for way in method.ways)
    sizes = {str(way): f"{count} textures" for way in method.ways}
    memory = _MEMORY_BYTES + painter_bytes(config.prior, method.painting)
    return Estimate(sizes, memory, count * steps)


def evaluate_textures(config: EvaluateThreedConfig, method: EvaluateTextures, run: Run) -> Outcome:
    """Paint mesh after mesh in every way; a resumed run continues with the one it was at."""
    with run.clock.stage("loading"):
        painter = build_painter(config.prior, method.painting, run.device)
        judge = load_judge(config.judge_dir or ZOO, run.device).model
    figures = judge_figures(config.judge_dir)
    parts = [(name, way) for name in method.sets for way in method.ways]
    kept: dict[str, list[Row]] = run.checkpoints.restored_state or {
        _part(*one): [] for one in parts
    }
    asked_of = {name: _asked(config, name) for name in method.sets}
    for name in method.sets:  # mesh by mesh, so that what is there compares all ways
        for index in range(len(asked_of[name])):
            for way in method.ways:
                rows = kept[_part(name, way)]
                if len(rows) <= index:
                    one = asked_of[name][index]
                    rows.append(_painted(config, _in_way(method, way), run, painter, one, index))
                    run.checkpoints.save(sum(map(len, kept.values())), kept)
                    shutil.rmtree(run.folder.path / "parts", ignore_errors=True)
    scores: Scores = {}
    for name, way in parts:
        rows = kept[_part(name, way)]
        scores[_part(name, way)] = _scores(judge, figures, asked_of[name], [r[0] for r in rows])
        LOGGER.info("%s: %s", _part(name, way), said(scores[_part(name, way)]))
        _write_sheet(run, _part(name, way), asked_of[name], rows)
    for name in method.sets:
        grey = [row[1] for row in kept[_part(name, method.ways[0])]]
        scores[_part(name, "grey")] = _scores(judge, figures, asked_of[name], grey)
    means = {part: _means(rows) for part, rows in kept.items()}
    path = run.folder.samples / "figures.json"
    write_json(path, plain(scores) | {f"{part}/{key}": value for part, found in means.items()
                                      for key, value in found.items()})  # fmt: skip
    return Outcome((path,), _sections(run, scores, means))


def _part(name: str, way: str) -> str:
    return f"{name}_{way}"


def _asked(config: EvaluateThreedConfig, name: TextureSetName) -> Sequence[Asked]:
    return chosen_requests(load_asset_set(name), config.max_prompts)


def _in_way(method: EvaluateTextures, way: Any) -> Painting:
    return method.painting.model_copy(update={"way": way})


def _painted(
    config: EvaluateThreedConfig, painting: Painting, run: Run, painter: Any, one: Asked,
    index: int,
) -> Row:  # fmt: skip
    """Paint the true shape of what was asked."""
    from common.training.kit.asset_truth import true_shapes

    LOGGER.info("%d, %s: %s", index + 1, painting.way, one.caption)
    (shape,) = true_shapes(str(one.concept), 1)
    bare = bare_shape(shape, painting.texture_px)
    part = run.part(f"{painting.way}_{index:02d}")
    made = paint(one.caption, config.seed + index, painting, bare, painter, part)
    takes_light_off = painter.is_lit if painting.delight is None else painting.delight
    with run.clock.stage("scoring"):
        plain_grey = torch.full_like(made.mesh.vertices, _GREY)
        grey = replace(bare.placed, texture=None, vertex_colors=plain_grey)
        pictures = _sides(made.mesh, takes_light_off, painting.size_px)
        return pictures, _sides(grey, True, painting.size_px), made.figures


def _sides(mesh: TriangleMesh, with_light: bool, size_px: int) -> Tensor:
    """From `SIDES`, premultiplied RGBA in [-1, 1]."""
    light = STUDIO_LIGHTING if with_light else FLAT_LIGHTING
    seen = render_mesh(mesh, cameras_on_orbit(SIDES, size_px), supersample=2, lighting=light)
    return rearrange(seen.rgba, "v h w c -> v c h w") * 2 - 1


def _scores(
    judge: Any, figures: Any, asked: Sequence[Asked], sides: Sequence[Tensor]
) -> dict[str, Any]:
    fronts = torch.stack([one[0] for one in sides])
    found = scored(judge, fronts, asked, figures, "new colours")
    return {f"front_{score.partition('/')[2]}": value for score, value in found.items()}


def _means(rows: Sequence[Row]) -> dict[str, float]:
    return {key: mean(row[2][key] for row in rows) for key in FIGURES}


def _write_sheet(run: Run, part: str, asked: Sequence[Asked], rows: Sequence[Row]) -> None:
    """Every mesh from four sides, a row each, two rows side by side."""
    pictures = [to_picture(side) for row in rows for side in row[0]]
    captions = [text for one in asked for text in (one.caption, *[""] * (len(SIDES) - 1))]
    sheet = picture_sheet(pictures, captions=captions, num_columns=2 * len(SIDES))
    write_picture(_sheet(run, part), sheet)


def _sheet(run: Run, part: str) -> Path:
    return run.folder.samples / f"{part}.png"


def _sections(run: Run, scores: Scores, means: dict[str, dict[str, float]]) -> tuple[Section, ...]:
    columns = (
        Column("Prompts and way", align="left"), Column("Of 32 views, guessed", "%"),
        Column("Step across seams over step between texels"), Column("Views shown again", "dB"),
        Column("Texels seen", "%"),
    )  # fmt: skip
    rows = tuple(
        (part, 100 * found["guessed"], found["seam_ratio"], found["shown_again_db"],
         100 * found["seen"]) for part, found in means.items()
    )  # fmt: skip
    notes = (
        "Guessed is what no painted view shows, filled from its neighbours on the surface. "
        "Texels of faces inside the mesh, which nothing sees, count among the unseen.",
    )
    items = tuple(MediaItem(_sheet(run, part), part) for part in means)
    return (
        score_table(scores),
        Table("Textures", columns, rows, footnotes=notes),
        Gallery("Every mesh from four sides", items),
    )
