"""Fitting a voxel field to pictures from known cameras: a generator that yields after every step.

Few pictures leave most of a field open. Four things close it: matter stays within the visual hull
and starts as a soft body in it; grids go from coarse to fine; colour varies little, so that shape
must explain the pictures; and density bends little. What step ``n`` draws is a function of the seed
and ``n`` alone, so a fit that is continued from a state ends in the same bits.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from common.cameras import Cameras, rays
from common.errors import InputError
from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from common.seeding import generator_for
from threed.optimise.fit_options import FitOptions
from threed.optimise.hull_start import allowed_nodes, cells_of, emptied, hull_body, hull_box
from threed.optimise.picture_losses import colour_error, opacity_error
from threed.rendering.volume import march_rays
from threed.scenes.regularisers import asymmetry, bending, surface_area, total_variation
from threed.scenes.voxel_field import Corner, VoxelField, colour_of, refined

SPACE: tuple[Corner, Corner] = ((-0.6, -0.6, -0.6), (0.6, 0.6, 0.6))
"""Where objects are looked for."""


@dataclass(frozen=True, eq=False)
class FitStep:
    """Where a fit is after one step."""

    step: int
    """Steps done, counted from 1."""
    losses: dict[str, float]
    """``loss`` and its terms, each with its weight."""
    field: VoxelField
    """The field, alive: it changes with the next step."""
    state: State
    """What `fit_views` continues from; its tensors are alive too."""


@dataclass(frozen=True, eq=False)
class _Stage:
    """What stays the same on one grid."""

    allowed: Bool[Tensor, "x y z"]
    cells: Bool[Tensor, "x_cells y_cells z_cells"]
    pixels: Int64[Tensor, " r"]
    """The pixels worth comparing: those that show something, or look through an allowed cell."""


@dataclass(frozen=True, eq=False)
class _Rays:
    """All pixels of all views in one row."""

    origins: Float[Tensor, "r 3"]
    directions: Float[Tensor, "r 3"]
    rgba: Float[Tensor, "r 4"]


def fit_views(
    rgba: Float[Tensor, "v h w 4"],
    cameras: Cameras,
    options: FitOptions | None = None,
    *,
    seed: int = 0,
    state: State = None,
) -> Iterator[FitStep]:
    """Fit a field to pictures, step by step, from the visual hull or from a state.

    Minimises the mean errors of colour and opacity over randomly drawn pixels, plus the weighted
    regularisers of ``options``, by Adam.

    Args:
        rgba: premultiplied, sRGB-encoded, in [0, 1]; an object within `SPACE`.
        cameras: of the pictures.
        options: None: the defaults.
        seed: of the pixels that are drawn.
        state: from a `FitStep` of the same pictures, options and seed.

    Raises:
        InputError: pictures and cameras do not go together, or the silhouettes have nothing in
            common.
    """
    chosen = options or FitOptions()
    if rgba.shape[:3] != (len(cameras), cameras.height, cameras.width):
        raise InputError(
            f"pictures {tuple(rgba.shape[:3])} for {len(cameras)} cameras of "
            f"{cameras.height} x {cameras.width} pixels"
        )
    origins, directions = (rearrange(one, "v h w xyz -> (v h w) xyz") for one in rays(cameras))
    everything = _Rays(origins, directions, rearrange(rgba, "v h w c -> (v h w) c"))
    done = 0 if state is None else state["step"]
    field = _start(rgba, cameras, chosen) if state is None else _restored(state)
    end = 0
    for count in chosen.steps:
        first, end = end, end + count
        if done >= end:
            continue
        if done == first > 0:
            field = refined(field)
        stage = _stage(field, rgba, cameras, everything, chosen)
        if done == first:
            field = emptied(field, stage.allowed)
        field, optimizer = _trainable(field, chosen)
        if done > first:
            load_optimizer_state(optimizer, state["optimizer"])
        for step in range(done + 1, end + 1):
            losses = _step(field, optimizer, stage, everything, chosen, seed, step)
            yield FitStep(step, losses, field, _state(step, field, optimizer))
        done = end


def _start(rgba: Tensor, cameras: Cameras, options: FitOptions) -> VoxelField:
    coarse = options.num_cells // 2 ** (len(options.steps) - 1)
    box = hull_box(rgba[..., 3], cameras, SPACE, coarse, options.hull_margin_px)
    return hull_body(box, rgba, cameras, options.hull_blur_cells)


def _stage(
    field: VoxelField, rgba: Tensor, cameras: Cameras, everything: _Rays, options: FitOptions
) -> _Stage:
    """Allowed nodes and cells of a grid, and the pixels that can teach it something."""
    allowed = allowed_nodes(field, rgba[..., 3], cameras, options.hull_margin_px)
    cells = cells_of(allowed)
    full = VoxelField(torch.full_like(field.density, 5.0), field.colour, field.low, field.high)
    with torch.no_grad():
        features = field.colour[..., :1]
        through = march_rays(
            full, features, everything.origins, everything.directions, occupied=cells
        )
    worth = (through.opacity > 0.01) | (everything.rgba[:, 3] > 0.01)
    return _Stage(allowed, cells, worth.nonzero()[:, 0])


def _trainable(field: VoxelField, options: FitOptions) -> tuple[VoxelField, torch.optim.Optimizer]:
    density = field.density.detach().clone().requires_grad_()
    colour = field.colour.detach().clone().requires_grad_()
    groups = [
        {"params": [density], "lr": options.density_rate},
        {"params": [colour], "lr": options.colour_rate},
    ]
    # DVGO's betas; the tiny epsilon lets rarely seen nodes move as fast as others
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-10, fused=True)
    return VoxelField(density, colour, field.low, field.high), optimizer


def _step(
    field: VoxelField,
    optimizer: torch.optim.Optimizer,
    stage: _Stage,
    everything: _Rays,
    options: FitOptions,
    seed: int,
    step: int,
) -> dict[str, float]:
    """One step of Adam; the losses before it."""
    generator = generator_for(seed, step, "fit views/pixels")
    count = min(options.rays_per_step, len(stage.pixels))
    picked = stage.pixels[torch.randint(len(stage.pixels), (count,), generator=generator)]
    terms = _picture_losses(field, stage, everything, picked, generator, options)
    terms |= scene_losses(field, stage.allowed, options)
    loss = torch.stack(list(terms.values())).sum()
    left = options.final_rate ** ((step - 1) / options.num_steps)
    rates = (options.density_rate, options.colour_rate)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * left
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    numbers = {name: float(value.detach()) for name, value in terms.items()}
    return {"loss": float(loss.detach()), **numbers}


def _picture_losses(
    field: VoxelField,
    stage: _Stage,
    everything: _Rays,
    picked: Tensor,
    generator: torch.Generator,
    options: FitOptions,
) -> dict[str, Tensor]:
    """Squared errors of colour and opacity, means over rays."""
    seen = march_rays(
        field, colour_of(field.colour), everything.origins[picked], everything.directions[picked],
        occupied=stage.cells, offsets=torch.rand(len(picked), generator=generator),
    )  # fmt: skip
    wanted = everything.rgba[picked]
    colour = colour_error(seen.features, seen.opacity, wanted).mean()
    opacity = opacity_error(seen.opacity, wanted).mean()
    return {"colour": colour, "opacity": options.lambda_opacity * opacity}


def scene_losses(
    field: VoxelField, allowed: Bool[Tensor, "x y z"], options: FitOptions
) -> dict[str, Tensor]:
    """The weighted regularisers of a field by name; those of weight 0 are not computed.

    Args:
        field: the scene.
        allowed: where matter may be, from `allowed_nodes`; elsewhere the field counts as empty.
        options: the weights.
    """
    terms: dict[str, Tensor] = {}
    bounded = emptied(field, allowed)
    if options.lambda_colour_variation:
        variation = total_variation(colour_of(field.colour))
        terms["colour_variation"] = options.lambda_colour_variation * variation
    if options.lambda_bending:
        terms["bending"] = options.lambda_bending * bending(field.density, allowed)
    if options.lambda_surface:
        terms["surface"] = options.lambda_surface * surface_area(bounded)
    if options.lambda_asymmetry:
        terms["asymmetry"] = options.lambda_asymmetry * asymmetry(bounded)
    return terms


def _state(step: int, field: VoxelField, optimizer: torch.optim.Optimizer) -> State:
    return {
        "step": step,
        "density": field.density.detach(),
        "colour": field.colour.detach(),
        "box": [list(field.low), list(field.high)],
        "optimizer": optimizer_state(optimizer),
    }


def _restored(state: State) -> VoxelField:
    low, high = (tuple(corner) for corner in state["box"])
    return VoxelField(state["density"], state["colour"], low, high)
