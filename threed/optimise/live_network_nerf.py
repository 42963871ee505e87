"""A field that learns as a network: a hash grid, or a plain one."""

from typing import assert_never

import torch
from torch import Tensor

from common.cameras import Cameras
from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from common.seeding import generator_for
from threed.optimise.rates import fallen
from threed.optimise.shape_terms import rendered_for, shape_terms
from threed.rendering.rendered import Rendered
from threed.scenes.hash_field import PARTS, HashField, as_voxels, ball_base, new_hash_field
from threed.scenes.mlp_field import mlp_as_voxels, new_mlp_parts
from threed.scenes.scene_config import HashNerf, MlpNerf
from threed.scenes.scene_start import SceneStart
from threed.scenes.voxel_field import VoxelField


class LiveNetworkNerf:
    """Parameters and optimizer; the grid of a step is made when it is rendered."""

    def __init__(
        self, options: HashNerf | MlpNerf, num_steps: int, seed: int, state: State = None,
        start: SceneStart | None = None, num_latents: int = 0,
    ):  # fmt: skip
        self._options, self._num_steps = options, num_steps
        begun = None if start is None else start.field
        self._base = ball_base(options, num_latents) if begun is None else begun
        parts = _fresh(options, seed, num_latents)
        if state is not None:
            parts = {name: state[name] for name in parts}
        leaves = {name: part.detach().clone().requires_grad_() for name, part in parts.items()}
        self._live = leaves
        # Instant NGP's betas and epsilon
        self._optimizer = torch.optim.Adam(
            list(leaves.values()), betas=(0.9, 0.99), eps=1e-15, fused=True
        )
        if state is not None:
            load_optimizer_state(self._optimizer, state["optimizer"])
        self._voxels: VoxelField | None = None

    def render(self, cameras: Cameras, generator: torch.Generator) -> Rendered:
        """Pictures, samples shifted at random along their rays."""
        self._voxels = self._seen()
        return rendered_for(self._options.losses, self._voxels, cameras, generator)

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
        parts = {name: part.detach() for name, part in self._live.items()}
        return parts | {"optimizer": optimizer_state(self._optimizer)}

    @torch.no_grad()
    def field(self) -> VoxelField:
        """The field at the nodes of its grid."""
        return self._seen()

    def _seen(self) -> VoxelField:
        """The field at the nodes of its grid, with gradients."""
        match self._options:
            case HashNerf():
                return as_voxels(HashField(**self._live), self._options, self._base)
            case MlpNerf():
                return mlp_as_voxels(self._live, self._options, self._base)
            case _:
                assert_never(self._options)


def _fresh(options: HashNerf | MlpNerf, seed: int, num_latents: int) -> dict[str, Tensor]:
    """Parameters at the start, by name."""
    match options:
        case HashNerf():
            generator = generator_for(seed, 0, "hash nerf/start")
            field = new_hash_field(options, generator, num_latents)
            return {name: getattr(field, name) for name in PARTS}
        case MlpNerf():
            return new_mlp_parts(options, generator_for(seed, 0, "mlp nerf/start"), num_latents)
        case _:
            assert_never(options)
