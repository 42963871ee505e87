"""What every renderer of scenes gives back."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Rendered:
    """Pictures of a scene."""

    rgb: Float[Tensor, "v h w c"]
    """Colour times opacity (premultiplied), sRGB-encoded, in [0, 1]; the colours of Gaussians have
    no upper bound, so theirs may shine brighter. Of a field of latents those times opacity."""
    opacity: Float[Tensor, "v h w"]
    """In [0, 1]."""
    depth: Float[Tensor, "v h w"]
    """Mean camera-space z of what is seen, metres; 0 where nothing is."""
    normal: Float[Tensor, "v h w 3"] | None
    """Sum of the outward unit normals of what is seen, each with its weight; at most as long as
    the opacity, and shorter where directions differ. None unless asked for."""

    facing: Float[Tensor, "v h w"] | None = None
    """How much of that normal points back along the ray; None unless it was asked for."""
    depth_variance: Float[Tensor, "v h w"] | None = None
    """Variance of the distance along each ray of what is seen, square metres; 0 where nothing is.
    None unless asked for."""

    @property
    def rgba(self) -> Float[Tensor, "v h w 4"]:
        """Premultiplied colour and opacity."""
        return torch.cat([self.rgb, self.opacity[..., None]], -1)
