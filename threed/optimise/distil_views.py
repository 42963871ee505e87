"""Refining a voxel field by the score of a prior that draws several views at once.

Each step renders the field from cameras evenly round it at a random turn and height, encodes the
renders, asks the prior for its score at those cameras (`threed.distillation.sds`), and carries the
gradient back through encoder and renderer. The sampled views stay in the loss, so that the scene
sharpens between them without leaving them. What step ``n`` draws depends on the seed and ``n``
alone: a run that is continued from a state ends in the same bits.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guidance_config import CFG
from common.embedded.orbit import cameras_on_orbit
from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from common.seeding import generator_for
from threed.distillation.loss_config import SDS
from threed.distillation.view_prior import ViewPrior
from threed.optimise.distil_options import DistilViews
from threed.optimise.fit_options import FitOptions
from threed.optimise.fit_views import FitStep, scene_losses
from threed.optimise.hull_start import allowed_nodes, cells_of
from threed.optimise.prior_pull import prior_pull, views_round
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField
from threed.texturing.bake import Pictures

ELEVATIONS_DEG = (-10.0, 30.0)
"""From how low and how high the prior is asked."""
_FALL = 0.1
"""What is left of the learning rate at the end."""


def distil_views(
    field: VoxelField,
    prior: ViewPrior,
    prompt: str,
    anchor: Pictures,
    options: DistilViews,
    fit: FitOptions,
    *,
    seed: int = 0,
    state: State = None,
) -> Iterator[FitStep]:
    """Refine a fitted field, step by step, from the start or from a state.

    Args:
        field: fitted to ``anchor``.
        prior: what is distilled.
        prompt: what the object is.
        anchor: the sampled views, whose errors stay in the loss and whose silhouettes bound matter.
        options: of the distillation.
        fit: of the fit: its regularisers go on.
        seed: of cameras and noise.
        state: from a `FitStep` of the same call.
    """
    done = 0 if state is None else state["step"]
    density, colour = (
        tensor.detach().clone().requires_grad_()
        for tensor in ((field.density, field.colour) if state is None else
                       (state["density"], state["colour"]))
    )  # fmt: skip
    live = VoxelField(density, colour, field.low, field.high)
    optimizer = torch.optim.Adam([density, colour], betas=(0.9, 0.99), eps=1e-10, fused=True)
    if state is not None:
        load_optimizer_state(optimizer, state["optimizer"])
    allowed = allowed_nodes(live, anchor.rgba[..., 3], anchor.cameras, fit.hull_margin_px)
    cells = cells_of(allowed)
    for step in range(done + 1, options.num_steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = options.rate * _FALL ** ((step - 1) / options.num_steps)
        terms = scene_losses(live, allowed, fit) | _anchor_losses(live, anchor, cells, fit)
        pull = _prior_loss(live, prior, prompt, anchor, cells, options, seed, step)
        loss = torch.stack(list(terms.values())).sum() + pull
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        numbers = {name: float(value.detach()) for name, value in terms.items()}
        numbers |= {"loss": float(loss.detach()), "prior": float(pull.detach())}
        kept = {"step": step, "density": density.detach(), "colour": colour.detach(),
                "optimizer": optimizer_state(optimizer)}  # fmt: skip
        yield FitStep(step, numbers, live, kept)


def _anchor_losses(
    field: VoxelField, anchor: Pictures, cells: Tensor, fit: FitOptions
) -> dict[str, Tensor]:
    """Squared errors of the sampled views, means over all their pixels that show something."""
    seen = render(field, anchor.cameras, occupied=cells)
    errors = (seen.rgba - anchor.rgba).square()
    worth = ((anchor.rgba[..., 3] > 0.01) | (seen.opacity.detach() > 0.01)).to(errors)
    count = worth.sum().clamp_min(1.0)
    colour = (errors[..., :3].sum(-1) * worth).sum() / count
    return {
        "colour": colour,
        "opacity": fit.lambda_opacity * (errors[..., 3] * worth).sum() / count,
    }


def _prior_loss(
    field: VoxelField,
    prior: ViewPrior,
    prompt: str,
    anchor: Pictures,
    cells: Tensor,
    options: DistilViews,
    seed: int,
    step: int,
) -> Float[Tensor, ""]:
    """A scalar whose gradient is the prior's, its value half the squared length of that."""
    generator = generator_for(seed, step, "distil views")
    views = views_round(prior.spec.latent_shape[1], ELEVATIONS_DEG, generator)
    cameras = cameras_on_orbit(views, anchor.cameras.height)
    seen = render(field, cameras, occupied=cells, generator=generator)
    loss = SDS(guidance=CFG(guidance_scale=options.guidance_scale), weight=options.weight)
    time = options.time(step)
    (pull,), _ = prior_pull(prior, loss, prompt, views, [seen], time, generator, None)
    return options.lambda_prior * pull
