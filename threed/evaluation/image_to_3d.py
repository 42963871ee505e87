"""Evaluating image to 3-D: pictures of known objects -> assets -> their pictures, the objects."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.atomic import write_bytes, write_json
from common.embedded.image_unet import FRONT
from common.embedded.orbit import cameras_on_orbit
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
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import LOGGER
from common.zoo.models import ZOO, load_judge
from threed.asset_files import read_back
from threed.evaluation.config import EvaluateImageTo3D, EvaluateThreedConfig, PictureSetName
from threed.evaluation.picture_look import PictureLook, look_figures, picture_look, placed_object
from threed.front import read_front
from threed.front_place import front_place, on_orbit
from threed.glb import glb_bytes
from threed.image_to_3d import ImageTo3D
from threed.make_asset import make_asset
from threed.optimise.fit_views import fit_views
from threed.textured_trimesh import textured_trimesh
from threed.texturing.bake import Pictures
from threed.view_priors import build_view_prior
from threed.views_to_asset import meshed_views, weighted_pictures

_MEMORY_BYTES = 2 * 2**30
_TRUE = "true_views_"

Row = tuple[Tensor, Tensor, Tensor, Tensor, dict[str, float]]
"""A `PictureLook` as plain state."""


def picture_estimate(config: EvaluateThreedConfig, method: EvaluateImageTo3D) -> Estimate:
    """Sizes and memory of the run."""
    counts = {name: len(_asked(config, name)) for name in method.sets}
    sizes = {str(name): f"{count} assets" for name, count in counts.items()}
    steps = method.asset.num_evaluations + method.fit_true_views * method.asset.fit_steps
    return Estimate(sizes, _MEMORY_BYTES, sum(counts.values()) * steps)


def evaluate_image_to_3d(
    config: EvaluateThreedConfig, method: EvaluateImageTo3D, run: Run
) -> Outcome:
    """Make and look at asset after asset; a resumed run continues within the one it was at."""
    with run.clock.stage("loading"):
        prior = build_view_prior(config.prior, _of_picture(method, Path("picture.png")), run.device)
        judge = load_judge(config.judge_dir or ZOO, run.device).model
    kept: dict[str, list[Row]] = run.checkpoints.restored_state or {n: [] for n in method.sets}
    scores: Scores = {}
    looks: dict[PictureSetName, list[PictureLook]] = {}
    for name in method.sets:
        asked = _asked(config, name)
        for index in range(len(kept[name]), len(asked)):
            LOGGER.info("%s %d of %d: %s", name, index + 1, len(asked), asked[index].caption)
            look = _made_look(config, method, run, prior, f"{name}_{index:02d}", index, asked)
            kept[name].append((look.given, look.shown, look.sides, look.true_sides,
                               dict(look.figures)))  # fmt: skip
            run.checkpoints.save(sum(map(len, kept.values())), kept)
            shutil.rmtree(run.folder.path / "parts")
        looks[name] = [PictureLook(*row) for row in kept[name]]
        scores |= _scores(judge, judge_figures(config.judge_dir), name, asked, looks[name])
        _write_sheet(run, name, asked, looks[name])
    for part, found in scores.items():
        LOGGER.info("%s: %s", part, said(found))
    path = run.folder.samples / "figures.json"
    write_json(path, plain(scores) | _means(looks) | {"each": _each(config, looks)})
    return Outcome((path,), _sections(config, run, scores, looks))


def _asked(config: EvaluateThreedConfig, name: PictureSetName) -> Sequence[Asked]:
    return chosen_requests(load_asset_set(name), config.max_prompts)


def _of_picture(method: EvaluateImageTo3D, path: Path) -> ImageTo3D:
    return ImageTo3D.model_validate({**dict(method.asset), "input": path})


def _made_look(
    config: EvaluateThreedConfig,
    method: EvaluateImageTo3D,
    run: Run,
    prior: Any,
    stem: str,
    index: int,
    asked: Sequence[Asked],
) -> PictureLook:
    """Write the picture, make the asset as its user would, write it, and look at the file."""
    from common.training.kit.asset_truth import true_object, true_views

    one, part, size_px = asked[index], run.part(stem), method.asset.size_px
    truth = true_object(str(one.concept), one.colour)
    (rgba,) = true_views(truth, cameras_on_orbit([FRONT], method.picture_px))
    path = run.folder.samples / f"{stem}.png"
    write_picture(path, to_picture(rearrange(rgba, "h w c -> c h w") * 2 - 1))
    seed = config.seed + index
    made = make_asset(_of_picture(method, path), one.caption, prior, seed, part)
    with run.clock.stage("scoring"):
        picture = read_front(path)
        file = path.with_suffix(".glb")
        write_bytes(file, glb_bytes(textured_trimesh(made.mesh)))
        look = picture_look(read_back(file), picture, truth, size_px)
    if not method.fit_true_views:
        return look
    with run.clock.stage("true views"):
        placed = placed_object(truth, front_place(picture), method.picture_px)
        best = _made_of_true_views(method, picture, placed, seed)
        true = look_figures(best, picture, placed, size_px)
    figures = {**look.figures, **{_TRUE + name: value for name, value in true.items()}}
    return PictureLook(look.given, look.shown, look.sides, look.true_sides, figures)


def _made_of_true_views(
    method: EvaluateImageTo3D,
    picture: Float[Tensor, "4 h w"],
    placed: TriangleMesh,
    seed: int,
) -> TriangleMesh:
    """What would become of the picture if the prior drew the object's own other sides."""
    from common.training.kit.asset_truth import true_views

    cameras = cameras_on_orbit(method.asset.views, method.asset.size_px)
    rgba = true_views(placed, cameras)
    rgba[0] = rearrange(on_orbit(picture, method.asset.size_px), "c h w -> h w c")
    views = Pictures(rgba, cameras)
    seen = weighted_pictures(method.asset, views)
    *_, last = fit_views(seen.rgba, seen.cameras, method.asset.fit, seed=seed)
    return meshed_views(method.asset, last.field, views, picture).mesh


def _scores(
    judge: Any,
    figures: Mapping[str, float],
    name: str,
    asked: Sequence[Asked],
    looks: Sequence[PictureLook],
) -> Scores:
    """What the judge says of fronts and other sides, of the assets and of the objects."""
    found: Scores = {}
    for whose, sides in (
        ("", [look.sides for look in looks]),
        ("true ", [look.true_sides for look in looks]),
    ):
        fronts, others = torch.stack(sides)[:, 0], torch.stack(sides)[:, 1:]
        pictures = rearrange(others, "b v c h w -> (b v) c h w")
        repeated = [one for one in asked for _ in range(others.shape[1])]
        for part, shown, of_each in (
            ("fronts", fronts, asked), ("other sides", pictures, repeated),
        ):  # fmt: skip
            told = scored(judge, shown, of_each, figures, "new colours")
            found[f"{name}/{whose}{part}"] = {
                score.partition("/")[2]: value for score, value in told.items()
            }
    return found


def _means(looks: Mapping[PictureSetName, Sequence[PictureLook]]) -> dict[str, float]:
    return {
        f"{name}/{key}": mean(look.figures[key] for look in of_set)
        for name, of_set in looks.items()
        for key in of_set[0].figures
    }


def _each(
    config: EvaluateThreedConfig, looks: Mapping[PictureSetName, Sequence[PictureLook]]
) -> list[dict[str, Any]]:
    """The figures of every asset."""
    return [
        {"prompt": one.caption, **look.figures}
        for name, of_set in looks.items()
        for one, look in zip(_asked(config, name), of_set, strict=True)
    ]


def _sheet(run: Run, name: str) -> Path:
    return run.folder.samples / f"{name}.png"


def _write_sheet(run: Run, name: str, asked: Sequence[Asked], looks: Sequence[PictureLook]) -> None:
    """A row each: the picture, the asset's front and other sides, the object's other sides."""
    pictures, captions = [], []
    for one, look in zip(asked, looks, strict=True):
        shown = [look.given, look.shown, *look.sides[1:], *look.true_sides[1:]]
        pictures += [to_picture(side) for side in shown]
        captions += [one.caption, *[""] * (len(shown) - 1)]
    sheet = picture_sheet(pictures, captions=captions, num_columns=len(shown), cell_px=128)
    write_picture(_sheet(run, name), sheet)


def _sections(
    config: EvaluateThreedConfig,
    run: Run,
    scores: Scores,
    looks: Mapping[PictureSetName, Sequence[PictureLook]],
) -> tuple[Section, ...]:
    columns = (
        Column("Picture", align="left"), Column("Shown again", "dB"),
        Column("Outlines of unseen sides"), Column("The best ellipsoid's"),
        Column("The extruded picture's"), Column("Unseen sides", "dB"),
        Column("Of true views: shown again", "dB"), Column("Of true views: outlines"),
    )  # fmt: skip
    keys = ("given_db", "unseen_iou", "ellipsoid_iou", "extruded_iou", "unseen_db",
            f"{_TRUE}given_db", f"{_TRUE}unseen_iou")  # fmt: skip
    each = _each(config, looks)
    whole = {key: mean(row[key] for row in each) for key in each[0] if key != "prompt"}
    rows = tuple((row["prompt"], *(row.get(key) for key in keys))
                 for row in [*each, {"prompt": "mean", **whole}])  # fmt: skip
    notes = (
        "PSNR in the alpha box, on the worst background, of the exported asset without light: from "
        "the camera that took the picture, in its own pixels, and from fifteen other sides. "
        "Overlaps (intersection over union) are of outlines from those. An ellipsoid fitted to the "
        "true outlines and the extruded picture know nothing of the other sides; assets of true "
        "views show what the fit leaves of them.",
    )
    items = tuple(MediaItem(_sheet(run, name), name) for name in looks)
    return (
        score_table(scores),
        Table("Pictures shown again, and the sides that they do not show", columns, rows,
              footnotes=notes),
        Gallery("Picture, front of the asset, its left, back and right, the object's", items),
    )  # fmt: skip
