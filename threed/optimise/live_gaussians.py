"""A cloud of Gaussians that learns from a prior, and multiplies as samples do, or by gradients."""

import torch
from torch import Tensor

from common.cameras import Cameras
from common.embedded.orbit import DISTANCE_M
from common.runs.state import State
from common.seeding import generator_for
from threed.meshing.gaussian_density import density_field
from threed.optimise.adaptive_density import Adaptive, Pulls, adapted
from threed.optimise.live_cloud import LEAVES, live_cloud, restored
from threed.optimise.mcmc_density import Mcmc, densified, regularisers
from threed.optimise.rates import fallen
from threed.rendering.gaussians import splat
from threed.rendering.rendered import Rendered
from threed.scenes.blob import ball_cloud
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.scene_config import Gaussians
from threed.scenes.scene_start import SceneStart
from threed.scenes.voxel_field import VoxelField

_EXTENT_M = 1.1 * DISTANCE_M
"""INRIA's measure of a scene, of cameras all round."""


class LiveGaussians:
    """The cloud, its optimizer, and what pulled its centres since Gaussians last came or went."""

    def __init__(
        self, options: Gaussians, num_steps: int, seed: int, state: State = None,
        start: SceneStart | None = None,
    ):  # fmt: skip
        self._options, self._num_steps = options, num_steps
        self._density = Mcmc(
            lambda_opacity=options.opacity_loss, lambda_scale=options.scale_loss, growth=0.2
        )
        self._adaptive = None if options.density == "mcmc" else Adaptive(
            grow_gradient=options.grow_gradient, reset_every=options.reset_every
        )  # fmt: skip
        self._seen: tuple[Tensor, Tensor] | None = None
        self._size_px = 0
        if state is not None:
            self._live, self._pulls = restored(state), Pulls(*state["pulls"])
            return
        begun = None if start is None else start.cloud
        if begun is None:
            generator = generator_for(seed, 0, "gaussians/start")
            begun = ball_cloud(options.num_gaussians, options.start.radius_m, generator)
        self._live = live_cloud(begun)
        self._pulls = Pulls.none(len(begun))

    def render(self, cameras: Cameras, generator: torch.Generator) -> Rendered:
        """Pictures; nothing of them is random."""
        cloud = self._live.cloud()
        if self._adaptive is None:
            return splat(cloud, cameras).rendered
        shifts = torch.zeros(len(cameras), len(cloud), 2, requires_grad=torch.is_grad_enabled())
        found = splat(cloud, cameras, shifts=shifts)
        self._seen, self._size_px = (shifts, found.radii), cameras.height
        return found.rendered

    def terms(self, seen: Rendered, share: float) -> dict[str, Tensor]:
        """Weighted mean opacity and deviation, and mean distance from the origin."""
        cloud = self._live.cloud()
        terms = regularisers(cloud, self._density)
        if self._options.position_loss:
            away = (cloud.means.square().sum(-1) + 1e-12).sqrt().mean()
            terms["positions"] = self._options.position_loss * away
        return terms

    def descend(self, loss: Tensor, step: int, generator: torch.Generator) -> None:
        """One step; every so many, Gaussians move and join."""
        options, live = self._options, self._live
        left = options.final_means_rate / options.means_rate
        rates = {
            "means": fallen(options.means_rate, left, step, self._num_steps),
            "log_scales": options.scales_rate, "quaternions": options.rotations_rate,
            "opacity_logits": options.opacities_rate, "sh_constant": options.colours_rate,
            "sh_rest": options.colours_rate,
        }  # fmt: skip
        for name, group in zip(LEAVES, live.optimizer.param_groups, strict=True):
            group["lr"] = rates[name]
        live.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        live.optimizer.step()
        self._count_pulls()
        until = options.densify_until * self._num_steps
        if step % options.densify_every or step > until:
            return
        if self._adaptive is None:
            self._live = densified(live, self._density, options.max_gaussians, generator)
        else:
            self._live = adapted(
                live, self._pulls, self._adaptive, _EXTENT_M, options.max_gaussians, step, generator
            )
        self._pulls = Pulls.none(len(self._live))

    def _count_pulls(self) -> None:
        """Add what the last renders' gradients say of the centres."""
        if self._seen is None:
            return
        shifts, radii = self._seen
        if shifts.grad is not None:
            side = self._size_px
            self._pulls = self._pulls.with_views(shifts.grad, radii, side, side)
        self._seen = None

    def state(self) -> State:
        """Leaves, optimizer and pulls."""
        return {**self._live.state(), "pulls": [self._pulls.sums, self._pulls.counts]}

    def cloud(self) -> GaussianCloud:
        """The Gaussians, detached."""
        live = self._live.cloud()
        return GaussianCloud(*(getattr(live, name).detach() for name in (*LEAVES[:4], "sh")))

    def field(self) -> VoxelField:
        """The cloud's density on a grid."""
        return density_field(self.cloud(), self._options.num_cells)
