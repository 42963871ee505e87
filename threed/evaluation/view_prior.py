"""Evaluating views: prompts -> views drawn together -> the judge, and scenes fitted to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median

import torch
from einops import rearrange
from torch import Tensor

from common.atomic import write_json
from common.embedded.frame_prior import FramePrior
from common.embedded.orbit import cameras_on_orbit
from common.evaluation.figures import judge_figures
from common.evaluation.prompt_sets import Request, chosen_requests, load_prompt_set
from common.evaluation.score_table import Scores, plain, said, score_table
from common.generation.priors import models_folder
from common.judging.asked import Asked
from common.judging.scored import Score, scored
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Estimate, Outcome, Run
from common.runs.console import LOGGER, progress_bar
from common.zoo.models import ZOO, load_frame_prior, load_judge
from threed.evaluation.config import EvaluateThreedConfig, EvaluateViews, ViewSetName
from threed.joint_views import view_pictures, view_steps
from threed.measures.consistency import view_psnr
from threed.optimise.fit_views import fit_views
from threed.rendering.volume import render
from threed.text_to_3d import TextTo3D

CONSISTENT_DB = 20.0
"""Views that a scene shows again this well count as views of one object."""
_NUM_SHOWN = 12
_MEMORY_BYTES = 1600 * 2**20


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What was drawn for one prompt, and how well a scene shows it again."""

    rgba: Tensor
    """``v h w 4``, premultiplied in [0, 1]."""
    psnr_db: float | None
    """Mean over the views; None where no scene was fitted."""


def view_estimate(config: EvaluateThreedConfig, method: EvaluateViews) -> Estimate:
    """Sizes and memory of the run."""
    counts = {name: len(_requests(config, name)) for name in method.sets}
    sizes = {str(name): f"{count} x {method.asset.num_views} views" for name, count in
             counts.items()}  # fmt: skip
    fitted = sum(min(count, method.num_fitted) for count in counts.values())
    steps = sum(counts.values()) * method.asset.sampler.num_evaluations
    return Estimate(sizes, _MEMORY_BYTES, steps + fitted * method.asset.fit_steps)


def evaluate_views(config: EvaluateThreedConfig, method: EvaluateViews, run: Run) -> Outcome:
    """Draw and score set after set; a resumed run continues with the next prompt."""
    asset = method.asset
    with run.clock.stage("loading"):
        prior = load_frame_prior(
            "view_layers", asset.num_views, (asset.size_px,) * 2, models_folder(config.prior),
            run.device, config.prior.loras, compute=config.prior.compute,
            few_steps=config.prior.few_steps,
        )  # fmt: skip
        judge = load_judge(config.judge_dir or ZOO, run.device).model
    figures = judge_figures(config.judge_dir)
    scores: Scores = {}
    fits: dict[str, list[float]] = {}
    restored = run.checkpoints.restored_state or {name: [] for name in method.sets}
    for name in method.sets:
        requests = _requests(config, name)
        drawn = _draw(config, method, run, prior, name, requests, restored)
        with run.clock.stage("scoring"):
            scores[name] = _scores(judge, figures, name, method, requests, drawn)
        fits[name] = [one.psnr_db for one in drawn if one.psnr_db is not None]
        _write_sheet(run, name, requests, drawn)
        LOGGER.info("%s: %s", name, said(scores[name]))
    path = run.folder.samples / "figures.json"
    write_json(path, plain(scores) | _consistency(fits))
    return Outcome((path,), _sections(run, method, scores, fits))


def _requests(config: EvaluateThreedConfig, name: ViewSetName) -> Sequence[Request]:
    return chosen_requests(load_prompt_set(name, frozenset()).requests, config.max_prompts)


def _draw(
    config: EvaluateThreedConfig,
    method: EvaluateViews,
    run: Run,
    prior: FramePrior,
    name: ViewSetName,
    requests: Sequence[Request],
    kept: dict[str, list[tuple[Tensor, float | None]]],
) -> list[_Drawn]:
    """The views of every prompt of a set; ``kept`` holds what was drawn before, and grows."""
    fitted = set(chosen_requests(range(len(requests)), method.num_fitted or None))
    fitted = fitted if method.num_fitted else set()
    rows = kept[name]
    with progress_bar(len(requests), len(rows), name, "prompt") as bar:
        for index in range(len(rows), len(requests)):
            with run.clock.stage("views"), torch.no_grad():
                prompt, seed = requests[index].prompt, config.seed + index
                *_, last = view_steps(method.asset, prior, prompt, seed)
                rgba = view_pictures(prior, last.latents)
            psnr = None
            if index in fitted:
                with run.clock.stage("fit"):
                    psnr = _fitted_psnr(method.asset, rgba, seed)
            rows.append((rgba, psnr))
            bar.update(1)
            run.checkpoints.offer(sum(map(len, kept.values())), kept)
    return [_Drawn(rgba, psnr) for rgba, psnr in rows]


def _fitted_psnr(asset: TextTo3D, rgba: Tensor, seed: int) -> float | None:
    """How well a scene fitted to views shows them again, in dB; None of views that are empty."""
    if bool((rgba[..., 3] < 0.5).all(2).all(1).any()):
        return None
    cameras = cameras_on_orbit(asset.views, asset.size_px)
    *_, last = fit_views(rgba, cameras, asset.fit, seed=seed)
    with torch.no_grad():
        return float(view_psnr(render(last.field, cameras).rgba, rgba).mean())


def _scores(
    judge: object,
    figures: Mapping[str, float],
    name: ViewSetName,
    method: EvaluateViews,
    requests: Sequence[Request],
    drawn: Sequence[_Drawn],
) -> dict[str, Score]:
    """What the judge says of every view."""
    pictures = torch.cat([rearrange(one.rgba, "v h w c -> v c h w") * 2 - 1 for one in drawn])
    asked: list[Asked] = [
        replace(request.asked[0], azimuth_deg=view.azimuth_deg)
        for request in requests
        for view in method.asset.views
    ]
    real = "new colours" if name == "pairs" else "any view"
    found = scored(judge, pictures, asked, figures, real)  # type: ignore[arg-type]
    return {score.partition("/")[2]: value for score, value in found.items()}


def _consistency(fits: Mapping[str, Sequence[float]]) -> dict[str, float]:
    found = {}
    for name, values in fits.items():
        if values:
            found[f"{name}/refitted_db"] = mean(values)
            found[f"{name}/refitted_db_median"] = median(values)
            found[f"{name}/consistent"] = mean(value >= CONSISTENT_DB for value in values)
    return found


def _sheet(run: Run, name: str) -> Path:
    return run.folder.samples / f"{name}.png"


def _write_sheet(run: Run, name: str, requests: Sequence[Request], drawn: Sequence[_Drawn]) -> None:
    """The views of the first prompts, as they came, a row each."""
    pictures, captions = [], []
    for request, one in zip(requests[:_NUM_SHOWN], drawn[:_NUM_SHOWN], strict=True):
        pictures += [to_picture(view) for view in rearrange(one.rgba, "v h w c -> v c h w") * 2 - 1]
        captions += [request.prompt, *[""] * (len(one.rgba) - 1)]
    sheet = picture_sheet(pictures, captions=captions, num_columns=len(drawn[0].rgba))
    write_picture(_sheet(run, name), sheet)


def _sections(
    run: Run, method: EvaluateViews, scores: Scores, fits: Mapping[str, Sequence[float]]
) -> tuple[Section, ...]:
    columns = (
        Column("Prompts", align="left"), Column("Scenes"), Column("Mean", "dB"),
        Column("Median", "dB"), Column(f"At least {CONSISTENT_DB:.0f} dB", "%"),
    )  # fmt: skip
    rows = tuple(
        (name, len(values), mean(values), median(values),
         100 * mean(value >= CONSISTENT_DB for value in values))
        for name, values in fits.items() if values
    )  # fmt: skip
    notes = ("PSNR in the alpha box, on the worst background, of a scene that was fitted to the "
             "views and shows them again.",)  # fmt: skip
    items = tuple(MediaItem(_sheet(run, name), name) for name in method.sets)
    return (
        score_table(scores),
        Table("Whether one object fits all views", columns, rows, footnotes=notes),
        Gallery("First views of each set, as they came", items),
    )
