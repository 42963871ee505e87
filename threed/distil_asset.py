"""Prompt -> scene that the prior likes from everywhere -> textured mesh."""

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.runs.app import Run
from common.runs.console import progress_bar
from threed.distillation.view_prior import ViewPrior
from threed.finishing import FinishOptions, finished
from threed.made_asset import MadeAsset
from threed.meshing.surface import SurfaceOptions
from threed.optimise.distil_scene import distil_scene, live_scenes
from threed.optimise.live_gaussians import LiveGaussians
from threed.optimise.live_scene import LiveScene
from threed.rendering.volume import render
from threed.score_distillation import ScoreDistillation
from threed.texturing.bake import BakeOptions, Pictures


def distilled_asset(
    method: ScoreDistillation, prompt: str, prior: ViewPrior, seed: int, run: Run
) -> MadeAsset:
    """Distil and finish, continuing from the run's checkpoint."""
    scene = _distilled(method, prompt, prior, seed, run)
    with run.clock.stage("mesh and texture"):
        field = scene.field()
        low, high = method.views.elevations_deg
        turn = 360 / method.num_pictures
        heights = (low, (low + high) / 2, high)
        views = [View(turn * index, heights[index % 3]) for index in range(method.num_pictures)]
        cameras = cameras_on_orbit(views, method.views.size_px)
        pictures = Pictures(render(field, cameras).rgba, cameras)
        options = FinishOptions(
            SurfaceOptions(method.surface),
            method.max_faces,
            # beyond 2048 texels are finer than anything in the pictures, and memory is short
            BakeOptions(size=method.texture_px, supersample=1 if method.texture_px > 2048 else 2),
        )
        made = finished(field, pictures, options)
    cloud = scene.cloud() if isinstance(scene, LiveGaussians) else None
    return MadeAsset(made.mesh, pictures, made.silhouette_iou, cloud)


def _distilled(
    method: ScoreDistillation, prompt: str, prior: ViewPrior, seed: int, run: Run
) -> LiveScene:
    """Go through the steps, logging and offering checkpoints; the scene at their end."""
    state = run.checkpoints.restored_state
    done = 0 if state is None else state["step"]
    scene = live_scenes(method, seed, state)[0]
    steps = distil_scene(method, prior, prompt, seed=seed, state=state)
    with progress_bar(method.num_steps, done, "score distillation", "step") as bar:
        while True:
            with run.clock.stage("distil"):
                step = next(steps, None)
            if step is None:
                return scene
            bar.update(1)
            scene = step.scene
            losses = {f"distil/{name}": value for name, value in step.losses.items()}
            run.metrics.log(step.step, run.clock.elapsed(), losses)
            run.checkpoints.offer(step.step, step.state)
