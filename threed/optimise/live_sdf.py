"""A signed-distance field that learns: its surface sharpens over the steps."""

from dataclasses import replace

import torch
from torch import Tensor

from common.cameras import Cameras
from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from threed.optimise.rates import fallen
from threed.optimise.shape_terms import rendered_for, shape_terms
from threed.rendering.rendered import Rendered
from threed.scenes.scene_config import Sdf
from threed.scenes.scene_start import SceneStart
from threed.scenes.sdf_field import (
    SdfField,
    ball_sdf,
    eikonal,
    sdf_as_solid,
    sdf_as_voxels,
    sdf_of,
)
from threed.scenes.voxel_field import VoxelField


class LiveSdf:
    """Distances, colours and their optimizer; the density of a step is made when it is rendered."""

    def __init__(
        self,
        options: Sdf,
        num_steps: int,
        state: State = None,
        start: SceneStart | None = None,
        num_latents: int = 0,
    ):
        self._options, self._num_steps = options, num_steps
        if state is not None:
            low, high = (tuple(corner) for corner in state["box"])
            field = SdfField(state["distance"], state["colour"], low, high, num_latents > 0)
        elif start is not None and start.field is not None:
            field = sdf_of(start.field)
        else:
            field = ball_sdf(options.num_cells, options.start.radius_m, num_latents)
        distance, colour = (
            one.detach().clone().requires_grad_() for one in (field.distance, field.colour)
        )
        self._live = replace(field, distance=distance, colour=colour)
        groups = [{"params": [distance], "lr": 0.0}, {"params": [colour], "lr": 0.0}]
        # the tiny epsilon lets rarely seen nodes move as fast as others
        self._optimizer = torch.optim.Adam(groups, betas=(0.9, 0.99), eps=1e-10, fused=True)
        self._done = 0 if state is None else state["done"]
        if state is not None:
            load_optimizer_state(self._optimizer, state["optimizer"])
        self._voxels: VoxelField | None = None

    @property
    def blur_m(self) -> float:
        """Of the density in the next step."""
        options = self._options
        left = options.final_blur_m / options.blur_m
        return fallen(options.blur_m, left, min(self._done + 1, self._num_steps), self._num_steps)

    def render(self, cameras: Cameras, generator: torch.Generator) -> Rendered:
        """Pictures, samples shifted at random along their rays."""
        self._voxels = sdf_as_voxels(self._live, self.blur_m)
        return rendered_for(self._options.losses, self._voxels, cameras, generator)

    def terms(self, seen: Rendered, share: float) -> dict[str, Tensor]:
        """Weighted regularisers, of the density that was rendered last, and of the distances."""
        assert self._voxels is not None  # a step renders first
        terms = shape_terms(self._voxels, seen, self._options.losses, share)
        if self._options.eikonal:
            terms["eikonal"] = self._options.eikonal * eikonal(self._live)
        return terms

    def descend(self, loss: Tensor, step: int, generator: torch.Generator) -> None:
        """One step."""
        options = self._options
        rates = (options.distance_rate, options.rate)
        for group, rate in zip(self._optimizer.param_groups, rates, strict=True):
            group["lr"] = fallen(rate, options.final_rate, step, self._num_steps)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self._done = step

    def state(self) -> State:
        """Distances, colours, box, steps done and optimizer."""
        live = self._live
        return {
            "distance": live.distance.detach(), "colour": live.colour.detach(),
            "box": [list(live.low), list(live.high)], "done": self._done,
            "optimizer": optimizer_state(self._optimizer),
        }  # fmt: skip

    def field(self) -> VoxelField:
        """The surface of now, as it is meshed, detached."""
        live = self._live
        still = replace(live, distance=live.distance.detach(), colour=live.colour.detach())
        return sdf_as_solid(still, self.blur_m)
