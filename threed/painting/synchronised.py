"""Views that are denoised together on one surface.

After SyncMVD (Liu et al. 2023, arXiv 2311.12891): at every step the views' estimates of the clean
pictures are decoded, made to agree on the surface (`surface_blend`), and put back:

    x0' = x0 + E(blend(D(x0))) - E(D(x0))

The difference of two encodings leaves out what decoder ``D`` and encoder ``E`` lose by themselves,
so detail survives where views agree already.
"""

from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guided_prediction import guided_prediction
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import PriorSpec
from common.shapes import Clips, Timesteps
from threed.painting.surface_blend import SurfaceBlend


class SynchronisedViews:
    """A prior of views whose guided estimates agree on a surface; sampled without more guidance.

    State: the prior of views, what it is told, and how the views belong together.
    """

    def __init__(
        self, prior: Any, cond: Any, uncond: Any, guidance: Any, blend: SurfaceBlend,
        until: float,
    ):  # fmt: skip
        self._prior, self._cond, self._uncond, self._guidance = prior, cond, uncond, guidance
        self._blend, self._until = blend, until
        spec = prior.spec
        self._spec = PriorSpec(spec.latent_shape, spec.image_channels, spec.schedule, "x0")

    @property
    def spec(self) -> PriorSpec:
        """Of the prior; predicts clean latents."""
        return self._spec

    def embed(self, prompts: Any) -> None:
        """It was told everything when it was made."""

    def predict(self, latents: Clips, timesteps: Timesteps, cond: Any) -> Clips:
        """The guided estimate of the clean latents; views agree at times from ``until`` on."""
        guided = guided_prediction(
            self._prior, latents, timesteps, self._cond, self._uncond, self._guidance
        )
        spec = self._prior.spec
        clean = convert_prediction(
            guided.prediction, spec.prediction, "x0", latents, timesteps, spec.schedule
        )
        together = float(spec.schedule.fraction(timesteps).min()) >= self._until
        if not together and self._blend.known is None:
            return clean
        return clean + self._correction(clean, together)

    def encode(self, pictures: Clips) -> Float[Tensor, "b z f y x"]:
        """Pictures to latents."""
        made: Tensor = self._prior.encode(pictures)
        return made

    def decode(self, latents: Float[Tensor, "b z f y x"]) -> Clips:
        """Latents to pictures."""
        made: Tensor = self._prior.decode(latents)
        return made

    def _correction(self, clean: Clips, together: bool) -> Clips:
        shown = self._prior.decode(clean)
        pictures = rearrange(shown, "1 c v h w -> v c h w").cpu().float() / 2 + 0.5
        agreed = self._blend.blended(pictures.clamp(0, 1), together) * 2 - 1
        wanted = rearrange(agreed, "v c h w -> 1 c v h w").to(shown)
        both = self._prior.encode(torch.cat([wanted, shown]))
        difference: Tensor = both[:1] - both[1:]
        return difference.to(clean)
