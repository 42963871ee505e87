"""Prompt -> scene that the prior likes from everywhere -> textured mesh."""

from dataclasses import replace

from common.cameras import Cameras
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.runs.app import Run
from common.runs.console import LOGGER, progress_bar
from common.runs.state import State
from threed.begun_scene import begun_scene, source_of
from threed.decoded_colours import decoded_colours
from threed.distillation.view_prior import ViewPrior
from threed.edit_3d import Edit3D
from threed.edit_pictures import edit_pictures
from threed.finishing import FinishOptions, finished
from threed.from_prompt import Distillation
from threed.front import read_front
from threed.front_place import on_orbit
from threed.made_asset import MadeAsset
from threed.meshing.surface import SurfaceOptions
from threed.optimise.distil_scene import distil_scene, live_scenes, num_latents_of
from threed.optimise.live_gaussians import LiveGaussians
from threed.optimise.live_mesh import LiveMesh
from threed.optimise.live_scene import LiveScene, field_of
from threed.rendering.volume import render
from threed.scenes.scene_start import SceneStart, start_of
from threed.score_distillation import ScoreDistillation
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
    scene, past = _distilled(method, prompt, prior, seed, run, start)
    with run.clock.stage("mesh and texture"):
        if isinstance(scene, LiveMesh):
            made = _drawn_mesh(scene, method)
        else:
            made = _meshed(scene, method, prior)
    made = replace(made, past=past)
    if source is None:
        return made
    edit = None
    if isinstance(method, Edit3D):
        (begun,) = live_scenes(method, seed, None, start)
        edit = edit_pictures(source, begun, made.mesh)
    return replace(made, placement=source.placement, edit=edit)


def _meshed(scene: LiveScene, method: Distillation, prior: ViewPrior) -> MadeAsset:
    """The surface of a scene that fills space, textured with its renders, decoded if need be."""
    field, cameras = field_of(scene), _cameras_round(method)
    if field.latent:
        field, pictures = decoded_colours(field, cameras, prior)
    else:
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


def _drawn_mesh(scene: LiveMesh, method: Distillation) -> MadeAsset:
    """A scene that is a mesh already, with pictures of it."""
    mesh, cameras = scene.mesh(), _cameras_round(method)
    pictures = Pictures(render_mesh(mesh, cameras, lighting=FLAT_LIGHTING).rgba, cameras)
    return MadeAsset(mesh, pictures, 1.0)


def _cameras_round(method: Distillation) -> Cameras:
    low, high = method.views.elevations_deg
    turn = 360 / method.num_pictures
    heights = (low, (low + high) / 2, high)
    views = [View(turn * index, heights[index % 3]) for index in range(method.num_pictures)]
    return cameras_on_orbit(views, method.views.size_px)


def _distilled(
    method: Distillation,
    prompt: str,
    prior: ViewPrior,
    seed: int,
    run: Run,
    start: SceneStart | None,
) -> tuple[LiveScene, State]:
    """Go through the steps, logging and offering checkpoints; scene and loss's past at the end."""
    state = run.checkpoints.restored_state
    done, past = (0, None) if state is None else (state["step"], state["past"])
    scene = live_scenes(method, seed, state, start, num_latents_of(method, prior))[0]
    front = None
    if isinstance(method, ScoreDistillation) and method.front is not None:
        front = on_orbit(read_front(method.front.input), method.views.size_px)
    steps = distil_scene(method, prior, prompt, seed=seed, state=state, start=start, front=front)
    begun = None if start is None else start.state()
    stage = None
    with progress_bar(method.num_steps, done, "score distillation", "step") as bar:
        while True:
            with run.clock.stage("distil"):
                step = next(steps, None)
            if step is None:
                return scene, past
            bar.update(1)
            scene, past = step.scene, step.state["past"]
            now = step.losses["views"], step.losses["render_px"]
            if method.views.stages and now != stage:
                LOGGER.warning("from step %d: %d views of %d pixels", step.step, *now)
            stage = now
            losses = {f"distil/{name}": value for name, value in step.losses.items()}
            run.metrics.log(step.step, run.clock.elapsed(), losses)
            run.checkpoints.offer(step.step, step.state | {"start": begun})
