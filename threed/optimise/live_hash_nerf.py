"""A hash-grid field that learns."""

from dataclasses import fields

import torch
from torch import Tensor

from common.cameras import Cameras
from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from common.seeding import generator_for
from threed.optimise.rates import fallen
from threed.optimise.shape_terms import shape_terms
from threed.rendering.rendered import Rendered
from threed.rendering.volume import render
from threed.scenes.hash_field import PARTS, HashField, as_voxels, ball_base, new_hash_field
from threed.scenes.scene_config import HashNerf
from threed.scenes.scene_start import SceneStart
from threed.scenes.voxel_field import VoxelField


class LiveHashNerf:
    """Tables, network and optimizer; the grid of a step is made when it is rendered."""

    def __init__(
        self, options: HashNerf, num_steps: int, seed: int, state: State = None,
        start: SceneStart | None = None,
    ):  # fmt: skip
        self._options, self._num_steps = options, num_steps
        self._base = ball_base(options) if start is None or start.field is None else start.field
        if state is None:
            fresh = new_hash_field(options, generator_for(seed, 0, "hash nerf/start"))
            parts = {name: getattr(fresh, name) for name in PARTS}
        else:
            parts = {name: state[name] for name in PARTS}
        leaves = {name: part.detach().clone().requires_grad_() for name, part in parts.items()}
        self._live = HashField(**leaves)
        # Instant NGP's betas and epsilon
        self._optimizer = torch.optim.Adam(
            list(leaves.values()), betas=(0.9, 0.99), eps=1e-15, fused=True
        )
        if state is not None:
            load_optimizer_state(self._optimizer, state["optimizer"])
        self._voxels: VoxelField | None = None

    def render(self, cameras: Cameras, generator: torch.Generator) -> Rendered:
        """Pictures, samples shifted at random along their rays."""
        self._voxels = as_voxels(self._live, self._options, self._base)
        return render(self._voxels, cameras, generator=generator)

    def terms(self, seen: Rendered, share: float) -> dict[str, Tensor]:
        """Weighted regularisers, of the grid that was rendered last."""
        assert self._voxels is not None  # a step renders first
        return shape_terms(self._voxels, seen, self._options.losses, share)

    def descend(self, loss: Tensor, step: int, generator: torch.Generator) -> None:
        """One step."""
        options = self._options
        for group in self._optimizer.param_groups:
            group["lr"] = fallen(options.rate, options.final_rate, step, self._num_steps)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()

    def state(self) -> State:
        """Parameters and optimizer."""
        parts = {part.name: getattr(self._live, part.name).detach() for part in fields(HashField)}
        return parts | {"optimizer": optimizer_state(self._optimizer)}

    @torch.no_grad()
    def field(self) -> VoxelField:
        """The field at the nodes of its grid."""
        return as_voxels(self._live, self._options, self._base)
