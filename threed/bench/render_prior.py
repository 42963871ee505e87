"""A prior in closed form of views of one figure: mixtures of its renders, exact at every noise.

Each view is by itself. Asked for a side, the prompt means the mixture

    lambda N(render of that side, s^2) + (1 - lambda) sum_k p_k N(render of side k, s^2)

over eight sides, the front with ``p = beta + (1 - beta) / 8``, the others with ``(1 - beta) / 8``
each: ``lambda`` is how well the prior knows views, ``beta`` how fond it is of fronts. No prompt
means the second sum alone, spread wider; any other words mean washed-out renders.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor

from common.diffusion.noise_schedule import build_noise_schedule, per_sample
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import ScaledLinearSchedule
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from threed.bench.config import SceneTrial
from threed.bench.normal_views import PROMPT
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField

SIDES = tuple(View(45.0 * step, 10.0) for step in range(8))
"""From where the figure is known, the front first."""


@dataclass(frozen=True)
class RenderCond:
    """The modes of each view."""

    means: Float[Tensor, "b k c v h w"]
    log_weights: Float[Tensor, "b k"]
    variances: Float[Tensor, " b"]


class RenderPrior:
    """State: the figure, its renders from all sides, and the dials."""

    def __init__(self, figure: VoxelField, trial: SceneTrial):
        size, count = trial.views.size_px, trial.views.num_views
        self._figure, self._trial, self._size = figure, trial, size
        schedule = build_noise_schedule(ScaledLinearSchedule())
        self._spec = PriorSpec((4, count, size, size), 4, schedule, "eps")
        sides = pictures_of(figure, SIDES, size)  # c k h w
        self._modes = rearrange(sides, "c k h w -> k c 1 h w").expand(-1, -1, count, -1, -1)
        even = (1 - trial.front_bias) / len(SIDES)
        self._log_sides = torch.tensor([even] * len(SIDES), dtype=torch.float64)
        self._log_sides[0] += trial.front_bias
        self._log_sides = self._log_sides.log()

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    def embed(
        self, prompts: Sequence[str], views: Sequence[Sequence[View] | None] | None = None
    ) -> RenderCond:
        """The mixtures that prompts mean, seen from views; all samples have the same."""
        trial, count = self._trial, len(prompts)
        asked = None if views is None else views[0]
        kind, known = prompts[0], trial.view_conditioning
        if set(prompts) != {kind}:
            raise ValueError(f"the bench asks for one prompt at a time, not {set(prompts)}")
        means, weights, ratio = self._modes, self._log_sides, trial.wide
        if kind:
            ratio = 1.0 if kind == PROMPT else trial.poor
            if asked is not None:
                own = pictures_of(self._figure, asked, self._size)
                means = torch.cat([rearrange(own, "c v h w -> 1 c v h w"), means])
                weights = torch.cat([_log(known), _log(1 - known) + weights])
            means = means if kind == PROMPT else _washed_out(means)
        return RenderCond(
            means.expand(count, *means.shape), weights.expand(count, -1),
            torch.full((count,), (ratio * trial.spread) ** 2, dtype=torch.float64),
        )  # fmt: skip

    def predict(self, latents: Tensor, timesteps: Tensor, cond: RenderCond) -> Tensor:
        """The exact noise: of each mode's, weighted by how likely each mode is."""
        alpha, sigma = self.spec.schedule.alpha_sigma(timesteps)
        spread = alpha**2 * cond.variances + sigma**2
        means = cond.means.to(latents)
        off = rearrange(latents, "b c v h w -> b 1 c v h w") - per_sample(alpha, means) * means
        far = reduce(off.double().square(), "b k c v h w -> b k v", "sum")
        weights = (cond.log_weights[..., None] - far / (2 * spread[:, None, None])).softmax(1)
        shares = rearrange(weights.to(latents), "b k v -> b k 1 v 1 1")
        return per_sample(sigma / spread, latents) * (shares * off).sum(1)

    def encode(self, pictures: Tensor) -> Tensor:
        """Pictures are their own latents."""
        return pictures

    def decode(self, latents: Tensor) -> Tensor:
        """Latents are their own pictures."""
        return latents


@torch.no_grad()
def pictures_of(field: VoxelField, views: Sequence[View], size_px: int) -> Float[Tensor, "c v h w"]:
    """Premultiplied RGBA in [-1, 1]."""
    seen = render(field, cameras_on_orbit(views, size_px)).rgba
    return rearrange(seen, "v h w c -> c v h w") * 2 - 1


def _washed_out(means: Float[Tensor, "k c v h w"]) -> Float[Tensor, "k c v h w"]:
    """Colours half way to grey."""
    colour, opacity = means[:, :3], means[:, 3:]
    grey = (opacity + 1) / 2 - 1  # premultiplied, in [-1, 1]
    return torch.cat([(colour + grey) / 2, opacity], 1)


def _log(share: float) -> Float[Tensor, "1"]:
    return torch.tensor([math.log(share) if share else -math.inf], dtype=torch.float64)
