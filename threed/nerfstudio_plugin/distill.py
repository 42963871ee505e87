"""Score distillation in nerfstudio's loop: the steps of `threed.optimise.distil_scene`.

Every step renders the field from cameras round it, asks the prior for its gradient, and hands the
losses to the loop: optimizers, viewer and checkpoints are nerfstudio's. What step ``n`` draws
depends on the seed and ``n`` alone.
"""

from pathlib import Path
from typing import Any

import torch
from nerfstudio.pipelines.base_pipeline import VanillaPipeline
from torch import Tensor

from common.embedded.orbit import cameras_on_orbit
from common.errors import InputError
from common.runs.state import State
from common.seeding import generator_for
from threed.distillation.past import Past, past_of, past_state
from threed.nerfstudio_plugin.distill_config import DistillPipelineConfig, method_of, prior_of
from threed.optimise.prior_pull import prior_pull, views_round
from threed.optimise.shape_terms import shape_terms
from threed.rendering.volume import render
from threed.scenes.regularisers import binarity
from threed.scenes.scene_config import VoxelNerf
from threed.view_priors import build_view_prior, check_view_prior


class DistillPipeline(VanillaPipeline):
    """A field, and in training a prior that judges it."""

    config: DistillPipelineConfig

    def __init__(self, config: DistillPipelineConfig, device: str, **kwargs: Any):
        prompt = config.model.prompt or ""
        if not prompt.strip():
            raise InputError('extrude-distill needs a prompt: --prompt "a red car"')
        super().__init__(config, device, **kwargs)
        self.method, self.prompt = method_of(config), prompt
        self.past: Past = None
        self.prior: tuple[Any, ...] = ()  # a tuple keeps its weights out of checkpoints
        if self.test_mode == "val":
            chosen = prior_of(config)
            check_view_prior(chosen, self.method, prompt)
            self.judge_by(build_view_prior(chosen, self.method, str(device)))

    def judge_by(self, prior: Any) -> None:
        """Take a prior, of which nothing is remembered yet."""
        self.prior = (prior,)
        self.past = past_of(self.method.loss, prior, self.config.seed)

    def get_train_loss_dict(
        self, step: int
    ) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Tensor]]:
        """The prior's pull and the regularisers, weighted; the diffusion time as a metric."""
        method, scene = self.method, self.method.scene
        assert isinstance(scene, VoxelNerf)
        (prior,) = self.prior
        share = min(step / max(method.num_steps - 1, 1), 1.0)
        generator = generator_for(self.config.seed, step + 1, "distil scene")
        views = views_round(method.views.num_views, method.views.elevations_deg, generator)
        time = method.times.time(share, float(torch.rand((), generator=generator)))
        field = self.model.field()
        seen = render(field, cameras_on_orbit(views, method.views.size_px), generator=generator)
        (pull,), self.past = prior_pull(
            prior, method.loss, self.prompt, views, [seen], time, generator, self.past
        )
        terms = {"prior": pull} | shape_terms(field, seen, scene.losses, share)
        coverage = seen.opacity.detach().mean()
        return {}, terms, {"time": torch.tensor(time), "coverage": coverage}

    @torch.no_grad()
    def get_average_eval_image_metrics(
        self, step: int | None = None, output_path: Path | None = None, get_std: bool = False
    ) -> dict[str, float]:
        """Renders from all round, and what can be said of them without a truth.

        ``coverage`` is the mean opacity, ``binarity`` its entropy: 0 without fog.
        """
        from torchvision.utils import save_image

        self.eval()
        rows = []
        for index, camera in enumerate(self.datamanager.cameras()):
            outputs = self.model.get_outputs_for_camera(camera)
            opacity = outputs["accumulation"]
            rows.append(torch.stack([opacity.mean(), binarity(opacity)]))
            if output_path is not None:
                output_path.mkdir(parents=True, exist_ok=True)
                save_image(outputs["rgb"].movedim(-1, 0), output_path / f"eval_{index:04d}.png")
        self.train()
        table, names = torch.stack(rows), ("coverage", "binarity")
        found = dict(zip(names, table.mean(0).tolist(), strict=True))
        if get_std:
            found |= zip([f"{one}_std" for one in names], table.std(0).tolist(), strict=True)
        return found

    def get_extra_state(self) -> State:
        """What the loss remembers, for the checkpoint."""
        return past_state(self.past)

    def set_extra_state(self, state: State) -> None:
        """Undoes it; only a training needs it."""
        if self.prior:
            self.past = past_of(self.method.loss, self.prior[0], self.config.seed, state)
