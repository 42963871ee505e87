"""What is behind a scene of latents: latents of empty pictures.

Latent-NeRF (Metzer et al. 2022, arXiv 2211.07600) gives the score a render ``sum w l`` of latents
``l`` as it is. The published code learns what is behind it as a network of directions, which may
draw the object, too. Here it is what scenes of colours have behind them, encoded once before the
first step: nothing for a prior with alpha, else a random grey, whose latents are taken for a
mixture of those of black and white,

    z = sum w l + (1 - o) ((1 - g) E(black) + g E(white)),

so that the opacity ``o`` shows, and that with a linear encoder a step's gradient is that of the
encoded picture.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from threed.distillation.view_prior import ViewPrior
from threed.rendering.rendered import Rendered


@dataclass(frozen=True, eq=False)
class LatentBackdrop:
    """Latents of empty pictures."""

    dark: Float[Tensor, "h w c"]
    """Of black, or of nothing for a prior with alpha."""
    bright: Float[Tensor, "h w c"] | None
    """Of white; None for a prior with alpha."""

    @property
    def side(self) -> int:
        """Of the renders, in latents."""
        return self.dark.shape[0]

    def behind(self, seen: Rendered, grey: Tensor | None) -> Float[Tensor, "1 c v h w"]:
        """Rendered latents laid on those of an empty picture.

        Args:
            seen: ``side`` a side.
            grey: brightness in [0, 1]; None for a prior with alpha.
        """
        empty = self.dark
        if grey is not None and self.bright is not None:
            empty = torch.lerp(self.dark, self.bright, grey.to(self.dark))
        laid = seen.rgb + (1 - seen.opacity[..., None]) * empty
        return rearrange(laid, "v h w c -> 1 c v h w")


@torch.no_grad()
def latent_backdrop(prior: ViewPrior, size_px: int) -> LatentBackdrop:
    """Encode the empty pictures of ``size_px`` a side."""
    channels = prior.spec.image_channels

    def encoded(value: float) -> Tensor:
        picture = torch.full((1, channels, 1, size_px, size_px), value)
        return rearrange(prior.encode(picture), "1 c 1 h w -> h w c").contiguous()

    return LatentBackdrop(encoded(-1.0), None if channels == 4 else encoded(1.0))
