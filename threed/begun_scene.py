"""From an asset in a file to the first scene of a distillation."""

from collections.abc import Iterator
from typing import TypeVar, assert_never

from common.errors import InputError
from common.runs.app import Run
from common.runs.console import LOGGER, progress_bar
from common.seeding import generator_for
from threed.conversion.placed_source import PlacedSource, cameras_about, placed_source
from threed.optimise.fit_gaussians import GaussianStep, fit_gaussians
from threed.optimise.fit_options import FitOptions
from threed.optimise.fit_views import FitStep, fit_views
from threed.optimise.gaussian_options import GaussianFit
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.page_mesh import page_mesh
from threed.scenes.scene_config import (
    Gaussians,
    HashNerf,
    MlpNerf,
    Scene,
    Sdf,
    TexturedMesh,
    VoxelNerf,
)
from threed.scenes.scene_start import SceneStart, on_scene_grid
from threed.scenes.start_config import AssetStart
from threed.scenes.voxel_field import VoxelField

_MOST_POINTS = 50_000
"""Of a point cloud that is only drawn, to fit a field to its pictures."""
_Step = TypeVar("_Step", FitStep, GaussianStep)


def source_of(start: AssetStart, scene: Scene, seed: int) -> PlacedSource:
    """What the file holds, in the scene's box; what of it gets lost is said.

    Raises:
        InputError: foreign, damaged, empty, or outside the box.
    """
    most = scene.max_gaussians if isinstance(scene, Gaussians) else _MOST_POINTS
    source = placed_source(start, generator_for(seed, 0, "start/points"), most)
    for loss in source.losses:
        LOGGER.warning("%s: %s", start.input.name, loss)
    return source


def begun_scene(
    start: AssetStart, scene: Scene, source: PlacedSource, seed: int, run: Run
) -> SceneStart:
    """The first scene: a field or a cloud fitted to renders of the source, or Gaussians as read.

    Raises:
        InputError: more Gaussians than the scene may have.
    """
    with run.clock.stage("start"):
        match scene:
            case VoxelNerf():
                coarse = scene.num_cells // 2 if scene.coarse_share else scene.num_cells
                return SceneStart(_field(start, source, scene.num_cells, coarse, seed))
            case HashNerf() | MlpNerf() | Sdf():
                return SceneStart(_field(start, source, scene.num_cells, scene.num_cells, seed))
            case TexturedMesh():
                if source.mesh is None:
                    raise InputError(
                        f"{start.input}: holds no mesh for a scene that is one; make it one with "
                        "threed/convert method.meshing={} first, or choose another method.scene"
                    )
                return SceneStart(mesh=page_mesh(source.mesh, scene.texture_px))
            case Gaussians():
                return SceneStart(cloud=_cloud(start, scene, source, seed))
            case _:
                assert_never(scene)


def _field(
    start: AssetStart, source: PlacedSource, num_cells: int, on_cells: int, seed: int
) -> VoxelField:
    """Fitted about the source as finely as asked, then laid on the scene's grid."""
    cameras = cameras_about(start.num_pictures, start.picture_px)
    # many true pictures leave little open: strong regularisers would only blur what they show
    options = FitOptions(
        num_cells=num_cells + num_cells % 2, steps=(start.fit_steps // 2,) * 2,
        lambda_colour_variation=0.02, lambda_bending=0.001, lambda_surface=0.001,
    )  # fmt: skip
    last = _followed(fit_views(source.pictures(cameras), cameras, options, seed=seed), start)
    return on_scene_grid(last.field, on_cells)


def _cloud(start: AssetStart, scene: Gaussians, source: PlacedSource, seed: int) -> GaussianCloud:
    if source.cloud is not None:
        if len(source.cloud) > scene.max_gaussians:
            raise InputError(
                f"{start.input}: has {len(source.cloud):,} Gaussians; the scene has at most "
                f"{scene.max_gaussians:,}: raise method.scene.max_gaussians"
            )
        return source.cloud
    cameras = cameras_about(start.num_pictures, start.picture_px)
    options = GaussianFit(
        num_steps=start.fit_steps, degree=0, num_gaussians=scene.num_gaussians,
        max_gaussians=scene.max_gaussians, refine_from=start.fit_steps // 10,
        refine_until=(4 * start.fit_steps) // 5, refine_every=max(start.fit_steps // 20, 1),
    )  # fmt: skip
    steps = fit_gaussians(source.pictures(cameras), cameras, options, seed=seed)
    return _followed(steps, start).cloud


def _followed(steps: Iterator[_Step], start: AssetStart) -> _Step:
    """The last step of a fit."""
    last = next(steps)
    with progress_bar(start.fit_steps, 1, "fit of the start", "step") as bar:
        for step in steps:
            last = step
            bar.update(1)
    return last
