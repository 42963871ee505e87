"""A cloud of Gaussians that learns from a prior, and multiplies as samples do (3DGS as MCMC)."""

import torch
from torch import Tensor

from common.cameras import Cameras
from common.runs.state import State
from common.seeding import generator_for
from threed.meshing.gaussian_density import density_field
from threed.optimise.live_cloud import LEAVES, live_cloud, restored
from threed.optimise.mcmc_density import Mcmc, densified, regularisers
from threed.optimise.rates import fallen
from threed.rendering.gaussians import render
from threed.rendering.rendered import Rendered
from threed.scenes.blob import ball_cloud
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.scene_config import Gaussians
from threed.scenes.scene_start import SceneStart
from threed.scenes.voxel_field import VoxelField


class LiveGaussians:
    """The cloud and its optimizer."""

    def __init__(
        self, options: Gaussians, num_steps: int, seed: int, state: State = None,
        start: SceneStart | None = None,
    ):  # fmt: skip
        self._options, self._num_steps = options, num_steps
        self._density = Mcmc(
            lambda_opacity=options.opacity_loss, lambda_scale=options.scale_loss, growth=0.2
        )
        if state is not None:
            self._live = restored(state)
            return
        begun = None if start is None else start.cloud
        if begun is None:
            generator = generator_for(seed, 0, "gaussians/start")
            begun = ball_cloud(options.num_gaussians, options.start.radius_m, generator)
        self._live = live_cloud(begun)

    def render(self, cameras: Cameras, generator: torch.Generator) -> Rendered:
        """Pictures; nothing of them is random."""
        return render(self._live.cloud(), cameras)

    def terms(self, seen: Rendered, share: float) -> dict[str, Tensor]:
        """Weighted mean opacity and deviation."""
        return regularisers(self._live.cloud(), self._density)

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
        until = options.densify_until * self._num_steps
        if step % options.densify_every == 0 and step <= until:
            self._live = densified(live, self._density, options.max_gaussians, generator)

    def state(self) -> State:
        """Leaves and optimizer."""
        return self._live.state()

    def cloud(self) -> GaussianCloud:
        """The Gaussians, detached."""
        live = self._live.cloud()
        return GaussianCloud(*(getattr(live, name).detach() for name in (*LEAVES[:4], "sh")))

    def field(self) -> VoxelField:
        """The cloud's density on a grid."""
        return density_field(self.cloud(), self._options.num_cells)
