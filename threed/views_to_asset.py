"""Prompt -> consistent views -> fitted scene -> distilled scene -> textured mesh."""

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.frame_prior import FramePrior
from common.embedded.orbit import cameras_on_orbit
from common.errors import InputError
from common.runs.app import Run
from common.runs.console import progress_bar
from common.runs.state import State
from threed.back_view import with_mirrored_outline
from threed.candidates import restored_candidates
from threed.finishing import FinishOptions, finished
from threed.front import read_front
from threed.front_place import front_pictures, on_orbit
from threed.image_to_3d import ImageTo3D, LiftedPicture
from threed.joint_views import view_pictures, view_steps
from threed.lifted_views import LiftedViews
from threed.made_asset import MadeAsset
from threed.meshing.surface import SurfaceOptions
from threed.optimise.distil_views import distil_views
from threed.optimise.fit_outline import OutlineFit
from threed.optimise.fit_views import FitStep, fit_views
from threed.scenes.voxel_field import VoxelField
from threed.text_to_3d import TextTo3D
from threed.texturing.bake import BakeOptions, Pictures
from threed.texturing.refine import RefineOptions

_DAMAGED = (
    "the checkpoint that the run continues from is damaged, or guidance or rate are far too large"
)


def asset_from_views(
    method: LiftedViews, prompt: str, prior: FramePrior, seed: int, run: Run
) -> MadeAsset:
    """Draw, fit, distil and finish, continuing from the run's checkpoint."""
    state = run.checkpoints.restored_state or {"phase": "views", "inner": None}
    done = run.checkpoints.restored.step if run.checkpoints.restored else 0
    cameras = cameras_on_orbit(method.views, method.size_px)
    with progress_bar(method.num_evaluations, done, "text to 3-D", "step") as bar:
        if state["phase"] == "views":
            state = _drawn_views(method, prompt, prior, seed, run, state["inner"], bar)
        pictures = Pictures(state["rgba"], cameras)
        if state["phase"] == "fit":
            seen = weighted_pictures(method, pictures)
            steps = fit_views(
                seen.rgba, seen.cameras, method.fit, seed=seed, state=state["inner"]
            )  # fmt: skip
            field = _followed(steps, "fit", method.sampler.num_evaluations, state, run, bar)
            drawn = {name: state.get(name) for name in ("rgba", "front", "candidates")}
            state = {"phase": "distil", "inner": None} | drawn | _kept(field)
        low, high = (tuple(corner) for corner in state["box"])
        field = VoxelField(state["density"], state["colour"], low, high)
        if method.distil.num_steps and prompt.strip():
            steps = distil_views(
                field, prior, prompt, pictures, method.distil, method.fit, seed=seed,
                state=state["inner"],
            )  # fmt: skip
            before = method.sampler.num_evaluations + method.fit_steps
            field = _followed(steps, "distil", before, state, run, bar)
    with run.clock.stage("mesh and texture"):
        front = read_front(method.input) if isinstance(method, ImageTo3D) else state.get("front")
        made = meshed_views(method, field, pictures, front)
    return replace(made, candidates=restored_candidates(state.get("candidates")))


def weighted_pictures(method: LiftedViews, pictures: Pictures) -> Pictures:
    """What the scene is fitted to: a given picture several times."""
    times = method.front_weight if isinstance(method, LiftedPicture) else 1
    order = [0] * times + list(range(1, len(pictures.cameras)))
    return Pictures(pictures.rgba[order], pictures.cameras[order])


def meshed_views(
    method: LiftedViews,
    field: VoxelField,
    pictures: Pictures,
    front: Float[Tensor, "4 h w"] | None = None,
) -> MadeAsset:
    """The textured surface of a scene.

    Args:
        method: how.
        field: fitted to the pictures.
        pictures: the views.
        front: premultiplied, in [0, 1]: a picture that the asset's front is to show again; None:
            what is made for a prompt shows the view from the front again.
    """
    field = VoxelField(field.density.detach(), field.colour.detach(), field.low, field.high)
    given, outline = None, None
    if front is not None:
        detail_px = method.detail_px if isinstance(method, LiftedPicture) else max(front.shape[1:])
        given = front_pictures(front, detail_px)
    elif isinstance(method, TextTo3D):
        given = Pictures(pictures.rgba[:1], pictures.cameras[:1])
    if given is not None and method.outline_steps:
        outline = OutlineFit(num_steps=method.outline_steps)
    options = FinishOptions(
        SurfaceOptions(method.surface),
        method.max_faces,
        # beyond 2048 texels are finer than anything in the pictures, and memory is short
        BakeOptions(size=method.texture_px, supersample=1 if method.texture_px > 2048 else 2),
        outline=outline,
        refine=RefineOptions(num_steps=method.refine_steps) if method.refine_steps else None,
    )
    made = finished(field, pictures, options, given)
    return MadeAsset(made.mesh, pictures, made.silhouette_iou)


def _drawn_views(
    method: LiftedViews, prompt: str, prior: FramePrior, seed: int, run: Run, state: State, bar: Any
) -> dict[str, Any]:
    """The state in which the fit begins: views ``v h w 4``, premultiplied in [0, 1].

    Raises:
        InputError: they have values that are not finite.
    """
    with run.clock.stage("views"):
        for step in view_steps(method, prior, prompt, seed, state):
            bar.update(1)
            last = step
            if step.index + 1 < step.num_steps:
                run.checkpoints.offer(step.index + 1, {"phase": "views", "inner": step.state})
        rgba = view_pictures(prior, last.latents)
    if not bool(torch.isfinite(rgba).all()):
        raise InputError(f"the drawn views have values that are not finite: {_DAMAGED}")
    begun: dict[str, Any] = {"phase": "fit", "inner": None, "rgba": rgba}
    if last.front is not None:  # as it is, not as the autoencoder leaves it
        rgba[0] = rearrange(on_orbit(last.front.cpu(), method.size_px), "c h w -> h w c")
        # of what has no known back, the drawn one is the less right
        if isinstance(method, TextTo3D) and method.num_views % 2 == 0:
            behind = method.num_views // 2
            rgba[behind] = with_mirrored_outline(rgba[behind], rgba[0])
        begun["front"] = None if isinstance(method, ImageTo3D) else last.front.cpu()
    if last.candidates is not None:
        begun["candidates"] = last.candidates.state
    return begun


def _followed(
    steps: Iterator[FitStep], phase: str, before: int, state: dict[str, Any], run: Run, bar: Any
) -> VoxelField:
    """Go through the steps of a phase, logging and offering checkpoints; the field at its end.

    A phase that was already finished when the run stopped has no steps left; its field is in the
    state.

    Raises:
        InputError: a loss is not finite.
    """
    field = None
    rest = {name: value for name, value in state.items() if name != "inner"}
    while True:
        with run.clock.stage(phase):
            step = next(steps, None)
        if step is None:
            break
        bar.update(1)
        if not math.isfinite(step.losses["loss"]):
            number, loss = before + step.step, step.losses["loss"]
            raise InputError(f"step {number} ({phase}): the loss is {loss:g}; {_DAMAGED}")
        field = step.field
        losses = {f"{phase}/{name}": value for name, value in step.losses.items()}
        run.metrics.log(before + step.step, run.clock.elapsed(), losses)
        run.checkpoints.offer(before + step.step, rest | {"inner": step.state})
    if field is not None:
        return field
    inner = state["inner"]
    low, high = (tuple(corner) for corner in inner.get("box", state.get("box")))
    return VoxelField(inner["density"], inner["colour"], low, high)


def _kept(field: VoxelField) -> dict[str, Any]:
    """A field as plain state."""
    return {
        "density": field.density.detach(), "colour": field.colour.detach(),
        "box": [list(field.low), list(field.high)],
    }  # fmt: skip
