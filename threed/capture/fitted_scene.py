"""A scene fitted to a capture, with progress, metrics and checkpoints."""

from collections.abc import Iterator

from common.runs.app import Run
from common.runs.console import progress_bar
from common.runs.state import State
from threed.optimise.fit_gaussians import GaussianStep, fit_gaussians
from threed.optimise.fit_views import FitStep, fit_views
from threed.optimise.live_cloud import LEAVES, restored
from threed.reconstruct import FittedGaussians, FittedScene
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.voxel_field import VoxelField
from threed.texturing.bake import Pictures


def fitted_scene(
    options: FittedScene, pictures: Pictures, seed: int, run: Run
) -> GaussianCloud | VoxelField:
    """Fit it, continuing from the run's checkpoint.

    Args:
        options: which scene, and how.
        pictures: of an object about the origin.
        seed: of everything that is drawn.
        run: metrics, checkpoints and clock.
    """
    state = run.checkpoints.restored_state
    steps = _steps(options, pictures, seed, state)
    done = 0 if state is None else state["step"]
    last: GaussianStep | FitStep | None = None
    step: GaussianStep | FitStep | None
    with progress_bar(options.num_steps, done, f"fitting {options.name}", "step") as bar:
        while True:
            with run.clock.stage("fit"):
                step = next(steps, None)
            if step is None:
                break
            last = step
            bar.update(1)
            losses = {f"fit/{name}": value for name, value in step.losses.items()}
            run.metrics.log(step.step, run.clock.elapsed(), losses)
            run.checkpoints.offer(step.step, step.state)
    if isinstance(last, GaussianStep):
        return last.cloud
    if last is not None:
        field = last.field
        return VoxelField(field.density.detach(), field.colour.detach(), field.low, field.high)
    if isinstance(options, FittedGaussians):  # the run was stopped after its last step
        live = restored(state).cloud()
        return GaussianCloud(*(getattr(live, name).detach() for name in (*LEAVES[:4], "sh")))
    low, high = (tuple(corner) for corner in state["box"])
    return VoxelField(state["density"], state["colour"], low, high)


def _steps(
    options: FittedScene, pictures: Pictures, seed: int, state: State
) -> Iterator[GaussianStep | FitStep]:
    if isinstance(options, FittedGaussians):
        return fit_gaussians(pictures.rgba, pictures.cameras, options.fit, seed=seed, state=state)
    return fit_views(pictures.rgba, pictures.cameras, options.fit, seed=seed, state=state)
