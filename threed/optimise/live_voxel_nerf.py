"""A voxel field that learns: from a ball or an asset, on a coarse grid first."""

from dataclasses import replace

import torch
from torch import Tensor

from common.cameras import Cameras
from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from threed.optimise.rates import fallen
from threed.optimise.shape_terms import rendered_for, shape_terms
from threed.rendering.rendered import Rendered
from threed.scenes.blob import ball_density
from threed.scenes.scene_config import VoxelNerf
from threed.scenes.scene_start import SceneStart
from threed.scenes.voxel_field import VoxelField, node_positions, refined, uniform_field


class LiveVoxelNerf:
    """The grid and its optimizer."""

    def __init__(
        self, options: VoxelNerf, num_steps: int, state: State = None,
        start: SceneStart | None = None, num_latents: int = 0,
    ):  # fmt: skip
        self._options, self._num_steps = options, num_steps
        self._refine_after = round(options.coarse_share * num_steps)
        if state is None:
            begun = None if start is None else start.field
            ball = _ball(options, self._refine_after > 0, num_latents)
            self._begin(ball if begun is None else begun)
            return
        low, high = (tuple(corner) for corner in state["box"])
        self._begin(VoxelField(state["density"], state["colour"], low, high, num_latents > 0))
        load_optimizer_state(self._optimizer, state["optimizer"])

    def render(self, cameras: Cameras, generator: torch.Generator) -> Rendered:
        """Pictures, samples shifted at random along their rays."""
        return rendered_for(self._options.losses, self._live, cameras, generator)

    def terms(self, seen: Rendered, share: float) -> dict[str, Tensor]:
        """Weighted regularisers."""
        return shape_terms(self._live, seen, self._options.losses, share)

    def descend(self, loss: Tensor, step: int, generator: torch.Generator) -> None:
        """One step; the cells halve when the coarse share is over."""
        options = self._options
        for group in self._optimizer.param_groups:
            group["lr"] = fallen(options.rate, options.final_rate, step, self._num_steps)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        if step == self._refine_after:
            self._begin(refined(self.field()))

    def state(self) -> State:
        """Grid, box and optimizer."""
        live = self._live
        return {
            "density": live.density.detach(), "colour": live.colour.detach(),
            "box": [list(live.low), list(live.high)],
            "optimizer": optimizer_state(self._optimizer),
        }  # fmt: skip

    def field(self) -> VoxelField:
        """The grid, detached."""
        live = self._live
        return replace(live, density=live.density.detach(), colour=live.colour.detach())

    def _begin(self, field: VoxelField) -> None:
        density, colour = (
            one.detach().clone().requires_grad_() for one in (field.density, field.colour)
        )
        self._live = replace(field, density=density, colour=colour)
        # the tiny epsilon lets rarely seen nodes move as fast as others
        self._optimizer: torch.optim.Optimizer
        if self._options.optimizer == "adamax":
            self._optimizer = torch.optim.Adamax([density, colour], eps=1e-10)
        else:
            self._optimizer = torch.optim.Adam(
                [density, colour], betas=(0.9, 0.99), eps=1e-10, fused=True
            )


def _ball(options: VoxelNerf, coarse: bool, num_latents: int) -> VoxelField:
    cells = options.num_cells // 2 if coarse else options.num_cells
    grid = uniform_field((cells + 1,) * 3, num_latents=num_latents)
    return replace(grid, density=ball_density(node_positions(grid), options.start.radius_m))
