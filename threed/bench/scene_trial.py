"""A scene distilled from the prior of renders, step by step, and its figures."""

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from einops import rearrange

from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.runs.app import Run
from common.runs.console import progress_bar
from threed.bench.config import BenchConfig
from threed.bench.gradient_noise import GradientNoise, gradient_noise
from threed.bench.known_figure import known_figure
from threed.bench.normal_views import PROMPT
from threed.bench.render_prior import SIDES, RenderPrior, pictures_of
from threed.bench.scene_measures import SceneMeasures, diversity, measured
from threed.distillation.past import past_of
from threed.optimise.distil_scene import distil_scene, live_scenes
from threed.optimise.live_scene import field_of
from threed.scenes.voxel_field import VoxelField

_SHOWN_PX = 48


@dataclass(frozen=True)
class Tried:
    """What came of it."""

    scenes: tuple[VoxelField, ...]
    each: tuple[SceneMeasures, ...]
    """Of every scene that was optimised."""
    diversity: float | None
    noise: GradientNoise


def tried(config: BenchConfig, run: Run) -> Tried:
    """Distil, continuing from the run's checkpoint, and measure."""
    trial, loss = config.trial, config.loss
    figure, size = known_figure(trial.aside_m), trial.views.size_px
    prior = RenderPrior(figure, trial)
    method = trial.method(loss)
    views = SIDES[:: max(len(SIDES) // trial.views.num_views, 1)][: trial.views.num_views]
    starts = [field_of(one) for one in live_scenes(method, config.seed, None)]
    state = run.checkpoints.restored_state
    scenes, past = live_scenes(method, config.seed, state), None if state is None else state["past"]
    steps = distil_scene(method, prior, PROMPT, seed=config.seed, state=state)
    done = 0 if state is None else state["step"]
    with progress_bar(method.num_steps, done, "distillation", "step") as bar:
        while True:
            with run.clock.stage("distil"):
                step = next(steps, None)
            if step is None:
                break
            bar.update(1)
            scenes, past = step.scenes, step.state["past"]
            run.metrics.log(step.step, run.clock.elapsed(), step.losses)
            run.checkpoints.offer(step.step, step.state)
    with run.clock.stage("measures"):
        fields = tuple(field_of(one) for one in scenes)
        each = tuple(measured(field, figure, size, known_figure()) for field in fields)
        renders = [pictures_of(field, views, size) for field in starts]
        known = past_of(loss, prior, config.seed, past)
        noise = gradient_noise(loss, prior, renders, views, known, config.seed)
    return Tried(fields, each, diversity(fields, size), noise)


def write_sides(run: Run, figure: VoxelField, scenes: tuple[VoxelField, ...]) -> Path:
    """What the prior shows and every scene from all sides, a row each."""
    shown = []
    for field in (figure, *scenes):
        sides = rearrange(pictures_of(field, SIDES, _SHOWN_PX), "c v h w -> v c h w")
        shown += [to_picture(side) for side in torch.unbind(sides)]
    path = run.folder.samples / "sides.png"
    write_picture(path, picture_sheet(shown, num_columns=len(SIDES)))
    return path


def trial_metrics(found: Tried) -> tuple[dict[str, float | None], dict[str, str]]:
    """Means over the scenes by name, and why some are missing."""
    chamfers = [one.chamfer_cm for one in found.each if one.chamfer_cm is not None]
    gains = [one.colour_gain for one in found.each if one.colour_gain is not None]
    shifts = [one.off_centre_cm for one in found.each if one.off_centre_cm is not None]
    values: dict[str, float | None] = {
        "psnr_db": fmean(one.psnr_db for one in found.each),
        "chamfer_cm": fmean(chamfers) if chamfers else None,
        "colour_gain": fmean(gains) if gains else None,
        "fronts": fmean(one.num_fronts for one in found.each),
        "fog": fmean(one.fog for one in found.each),
        "off_centre_cm": fmean(shifts) if shifts else None,
        "diversity": found.diversity,
        "gradient_noise": found.noise.over_mean,
    }
    reasons = {}
    if not chamfers:
        reasons["chamfer_cm"] = "the scene has no surface"
    if not gains:
        reasons["colour_gain"] = "the scene is nowhere solid"
    if not shifts:
        reasons["off_centre_cm"] = "the scene is nothing but fog"
    if found.diversity is None:
        reasons["diversity"] = "one scene has none"
    if found.noise.over_noise_baseline is not None:
        values["variance_over_noise_baseline"] = found.noise.over_noise_baseline
        values["variance_over_no_baseline"] = found.noise.over_no_baseline
    return values, reasons
