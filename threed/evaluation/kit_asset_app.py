"""The kit_asset app: a prompt about a thing of the kit -> an asset -> how like the thing it is."""

from pathlib import Path
from typing import Any

import torch
from einops import rearrange

from common.embedded.image_unet import FRONT, View
from common.embedded.judge import Judge
from common.embedded.orbit import cameras_on_orbit
from common.generation.picture_switches import refuse_picture_switches
from common.generation.priors import models_folder
from common.judging.judging import look as see
from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Table
from common.report.json_report import SampleMetrics
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.seeding import stream_seed
from common.shapes import Images
from common.training.kit.asset_truth import true_pictures
from common.zoo.models import ZOO, check_embedded_prior, check_prior_loras, load_judge
from threed.bench.gradient_noise import Draws, GradientNoise, gradient_noise
from threed.distillation.past import past_of
from threed.evaluation.asset_look import AROUND
from threed.evaluation.kit_asset_config import KitAssetConfig
from threed.evaluation.kit_look import KitLook, kit_look, sides_of
from threed.evaluation.kit_request import kit_request
from threed.made_asset import MadeAsset
from threed.make_asset import make_asset
from threed.measures.diversity import diversity
from threed.optimise.distil_scene import live_scenes
from threed.optimise.live_scene import field_of
from threed.rendering.volume import render
from threed.scenes.scene_config import TexturedMesh
from threed.score_distillation import ScoreDistillation
from threed.view_priors import build_view_prior, check_view_prior, view_prior_bytes

_MEMORY_BYTES = 1200 * 2**20
_NOISE_TIMES = (0.2, 0.5, 0.8)
_PICTURE_PX = 128


def check(config: KitAssetConfig, apps: Apps) -> list[str]:
    """Refuse prompts that nothing is known of, and a prior without view layers."""
    kit_request(config.prompt)
    refuse_picture_switches(config.prior)
    manifests = check_embedded_prior(models_folder(config.prior), "view_layers")
    check_prior_loras(manifests, config.prior.loras)
    return check_view_prior(config.prior, config.asset, config.prompt)


def estimate(config: KitAssetConfig) -> Estimate:
    """Sizes and memory of the run."""
    count, size = config.asset.view_shape
    sizes = {"views": f"{count} x {size} x {size}", "true instances": str(config.num_truths)}
    memory = _MEMORY_BYTES + view_prior_bytes(config.prior, config.asset)
    return Estimate(sizes, memory, config.asset.num_evaluations * (1 + config.num_others))


def run(config: KitAssetConfig, run: Run) -> Outcome:
    """Make the asset, look at it, measure its loss's gradient."""
    asked = kit_request(config.prompt)
    with run.clock.stage("loading"):
        prior = build_view_prior(config.prior, config.asset, run.device)
    before = sum(run.clock.stages.values())
    made = make_asset(config.asset, config.prompt, prior, config.seed, run)
    spent = sum(run.clock.stages.values()) - before
    others = _others(config, prior, run)
    with run.clock.stage("measures"):
        judge = load_judge(config.judge_dir or ZOO, run.device).model
        look = kit_look(made.mesh, asked, config.num_truths, judge, _PICTURE_PX)
        noise = _noise(config, prior, made)
    values, reasons = _metrics(look, noise)
    values["making_s"] = spent
    if others:
        truths = true_pictures(str(asked.concept), asked.colour, 1 + len(others), AROUND)
        seen = [rearrange(one, "v h w c -> v c h w") * 2 - 1 for one in truths]
        values["diversity"] = _diversity(judge, [look.sides, *others])
        values["diversity_of_true_instances"] = _diversity(judge, seen)
    sheet = _write_sides(run, look)
    columns = (Column("Figure", align="left"), Column("Value"))
    sections = (
        Gallery("From all sides", (MediaItem(sheet, config.prompt),)),
        Table("Against true instances", columns, tuple(values.items())),
    )
    sample = SampleMetrics(config.prompt, 0, config.seed, values, reasons)
    return Outcome((sheet,), sections, (sample,))


def _others(config: KitAssetConfig, prior: Any, run: Run) -> list[Images]:
    """All sides of further assets, each in a part of the run with checkpoints of its own."""
    found = []
    for index in range(config.num_others):
        seed = stream_seed(config.seed, index, "another asset")
        made = make_asset(config.asset, config.prompt, prior, seed, run.part(f"other-{index}"))
        found.append(sides_of(made.mesh, _PICTURE_PX))
    return found


def _diversity(judge: Judge, pictures: list[Images]) -> float:
    return diversity(torch.stack([see(judge, one).features for one in pictures]))


def _noise(config: KitAssetConfig, prior: Any, made: MadeAsset) -> GradientNoise | None:
    """Of the gradient at the first scene, which is the same for every loss."""
    method = config.asset
    if not config.noise_draws or not isinstance(method, ScoreDistillation):
        return None
    if isinstance(method.scene, TexturedMesh) or method.in_latents:
        return None
    turn, height = 360.0 / method.views.num_views, FRONT.elevation_deg
    views = tuple(View(turn * index, height) for index in range(method.views.num_views))
    (first,) = live_scenes(method.model_copy(update={"num_particles": 1}), config.seed, None)
    with torch.no_grad():
        seen = render(field_of(first), cameras_on_orbit(views, method.views.size_px))
    picture = rearrange(seen.rgba, "v h w c -> c v h w") * 2 - 1
    past = past_of(method.loss, prior, config.seed, made.past)
    draws = Draws(config.prompt, _NOISE_TIMES, max(config.noise_draws, 2))
    return gradient_noise(method.loss, prior, [picture], views, past, config.seed, draws)


def _metrics(
    look: KitLook, noise: GradientNoise | None
) -> tuple[dict[str, float | None], dict[str, str]]:
    """The figures by name, and why some are missing."""
    values: dict[str, float | None] = {
        "front_top1": None if look.rank is None else float(look.rank == 0),
        "front_top5": None if look.rank is None else float(look.rank < 5),
        "front_colour": None if look.colour is None else float(look.colour),
        "outline_iou": look.outline_iou,
        "chamfer_cm": look.chamfer_cm,
        "fronts": None if look.num_fronts is None else float(look.num_fronts),
        "colour_gain": look.colour_gain,
        "gradient_noise": None if noise is None else noise.over_mean,
    }
    if noise is not None and noise.over_noise_baseline is not None:
        values["variance_over_noise_baseline"] = noise.over_noise_baseline
        values["variance_over_no_baseline"] = noise.over_no_baseline
    why = {
        "front_top1": "no thing was asked", "front_top5": "no thing was asked",
        "front_colour": "no colour was asked",
        "fronts": "not every true instance of the thing has one front, as the judge sees it",
        "colour_gain": "the asset is nowhere solid",
        "gradient_noise": "nothing was distilled, or noise_draws is 0",
    }  # fmt: skip
    return values, {name: why[name] for name, value in values.items() if value is None}


def _write_sides(run: Run, look: KitLook) -> Path:
    sheet = picture_sheet([to_picture(side) for side in look.sides], num_columns=len(look.sides))
    path = run.folder.samples / "sides.png"
    write_picture(path, sheet)
    return path


APP = App(KitAssetConfig, run, estimate, check)
"""The keys of the kit_asset app."""
