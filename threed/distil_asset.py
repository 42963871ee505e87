"""Prompt -> scene that the prior likes from everywhere -> textured mesh."""

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.runs.app import Run
from common.runs.console import progress_bar
from threed.begun_scene import begun_scene, source_of
from threed.distillation.view_prior import ViewPrior
from threed.edit_3d import Edit3D
from threed.edit_pictures import edit_pictures
from threed.finishing import FinishOptions, finished
from threed.from_prompt import Distillation
from threed.made_asset import MadeAsset
from threed.meshing.surface import SurfaceOptions
from threed.optimise.distil_scene import distil_scene, live_scenes
from threed.optimise.live_gaussians import LiveGaussians
from threed.optimise.live_scene import LiveScene
from threed.rendering.volume import render
from threed.scenes.scene_start import SceneStart, start_of
from threed.texturing.bake import BakeOptions, Pictures


def distilled_asset(
    method: Distillation, prompt: str, prior: ViewPrior, seed: int, run: Run
) -> MadeAsset:
    """Distil and finish, continuing from the run's checkpoint."""
    state = run.checkpoints.restored_state
    source = start = None
    if method.start is not None:
        source = source_of(method.start, method.scene, seed)
        start = start_of(state["start"]) if state is not None else begun_scene(
            method.start, method.scene, source, seed, run
        )  # fmt: skip
    scene = _distilled(method, prompt, prior, seed, run, start)
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
    if source is None:
        return MadeAsset(made.mesh, pictures, made.silhouette_iou, cloud)
    edit = None
    if isinstance(method, Edit3D):
        (begun,) = live_scenes(method, seed, None, start)
        edit = edit_pictures(source, begun.field(), made.mesh)
    return MadeAsset(made.mesh, pictures, made.silhouette_iou, cloud, source.placement, edit)


def _distilled(
    method: Distillation,
    prompt: str,
    prior: ViewPrior,
    seed: int,
    run: Run,
    start: SceneStart | None,
) -> LiveScene:
    """Go through the steps, logging and offering checkpoints; the scene at their end."""
    state = run.checkpoints.restored_state
    done = 0 if state is None else state["step"]
    scene = live_scenes(method, seed, state, start)[0]
    steps = distil_scene(method, prior, prompt, seed=seed, state=state, start=start)
    begun = None if start is None else start.state()
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
            run.checkpoints.offer(step.step, step.state | {"start": begun})
