"""A prior of single pictures asked about several views: each by itself, told by words where it is.

DreamFusion (arXiv 2209.14988, section 3.2) adds "front view", "side view", "back view" and
"overhead view" to the prompt. A quarter of the circle counts as front, as back and as either side;
above 60 degrees it is overhead. Views from more than 45 degrees below, which the paper has not, are
"view from below".
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from einops import rearrange, repeat
from torch import Tensor, nn

from common.diffusion.prior import Prior, PriorSpec
from common.embedded.image_unet import View

OVERHEAD_DEG = 60.0
BELOW_DEG = 45.0


class PictureViews:
    """State: the prior of pictures, and how many views it is asked about together."""

    def __init__(self, pictures: Prior[Any], num_views: int):
        self._pictures = pictures
        channels, height, width = pictures.spec.latent_shape
        self._spec = replace(pictures.spec, latent_shape=(channels, num_views, height, width))

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        return self._spec

    @property
    def network(self) -> nn.Module | None:
        """What predicts; None of a closed form."""
        return getattr(self._pictures, "network", None)

    def of_views(self, num_views: int) -> "PictureViews":
        """The same prior, asked about another number of views."""
        return PictureViews(self._pictures, num_views)

    def embed(
        self, prompts: Sequence[str], views: Sequence[Sequence[View] | None] | None = None
    ) -> Any:
        """Conditioning for prompts, with words for each view; none where a prompt is empty."""
        count = self._spec.latent_shape[1]
        rows = views or [None] * len(prompts)
        none: list[View | None] = [None] * count
        said = [
            f"{prompt}, {view_words(view)}" if prompt and view is not None else prompt
            for prompt, row in zip(prompts, rows, strict=True)
            for view in (row or none)
        ]
        return self._pictures.embed(said)

    def predict(self, latents: Tensor, timesteps: Tensor, cond: Any) -> Tensor:
        """The prediction at noised latents ``b c v h w``."""
        flat = rearrange(latents, "b c v h w -> (b v) c h w")
        times = repeat(timesteps, "b -> (b v)", v=latents.shape[2])
        found = self._pictures.predict(flat, times, cond)
        return rearrange(found, "(b v) c h w -> b c v h w", b=len(latents))

    def encode(self, pictures: Tensor) -> Tensor:
        """Pictures ``b c v h w`` in [-1, 1] to latents."""
        flat = rearrange(pictures, "b c v h w -> (b v) c h w")
        return rearrange(self._pictures.encode(flat), "(b v) c h w -> b c v h w", b=len(pictures))

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Latents to pictures."""
        flat = rearrange(latents, "b c v h w -> (b v) c h w")
        return rearrange(self._pictures.decode(flat), "(b v) c h w -> b c v h w", b=len(latents))


def view_words(view: View) -> str:
    """What a view is called."""
    if view.elevation_deg > OVERHEAD_DEG:
        return "overhead view"
    if view.elevation_deg < -BELOW_DEG:
        return "view from below"
    return ("front view", "side view", "back view", "side view")[
        round((view.azimuth_deg % 360) / 90) % 4
    ]
