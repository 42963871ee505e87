"""Pictures of one surface made to agree: each pixel takes the weighted mean of what all show there.

The mean is taken at points of the surface, not in an atlas, so it knows neither texture
coordinates nor seams: for the point ``p`` that a pixel sees,

    c(p) = (sum_v w_v(p) c_v(p) + k(p) c_known(p)) / (sum_v w_v(p) + k(p))

with the weights of `threed.texturing.view_colours`.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.raster.mesh import TriangleMesh
from threed.painting.sides import Sides
from threed.texturing.view_colours import ViewWeights, geometric_weights, looked_up

_OWN = 1e-4
"""Weight of a pixel's own picture beside all others: it decides where nothing else is sure."""
_CLEAR, _SOLID = 0.4, 0.8
"""Predicted alpha from which on a pixel says something, and all it can."""


@dataclass(frozen=True, eq=False)
class Known:
    """Colours that the surface has already, at the points of `Sides.points`."""

    colours: Float[Tensor, "n 3"]
    """sRGB-encoded, in [0, 1]."""
    weights: Float[Tensor, " n"]
    """On the scale of a picture's own weight, which is at most 1; 0 where nothing is known."""


class SurfaceBlend:
    """How the pixels of some views of a mesh belong together.

    State: for each point that a pixel sees, where it is in every view and how well it is seen.
    """

    def __init__(
        self, mesh: TriangleMesh, sides: Sides, weights: ViewWeights, known: Known | None = None
    ):
        self.sides, self.known = sides, known
        positions, normals = sides.points()
        self._pixels, self._weights = geometric_weights(
            mesh, positions, normals, sides.cameras, weights
        )

    def blended(
        self, pictures: Float[Tensor, "v c h w"], together: bool = True
    ) -> Float[Tensor, "v c h w"]:
        """The pictures with agreeing colours inside the mesh's outlines.

        Args:
            pictures: premultiplied RGBA, or RGB, in [0, 1]. RGBA gets the outlines' alpha; the
                ground of RGB stays.
            together: whether views look at each other, or only at what is known.
        """
        has_alpha = pictures.shape[1] == 4
        alpha = pictures[:, 3] if has_alpha else torch.ones_like(pictures[:, 0])
        sure = ((alpha - _CLEAR) / (_SOLID - _CLEAR)).clamp(0, 1)
        straight = pictures[:, :3] / alpha[:, None].clamp_min(0.05)
        shown = rearrange(torch.cat([straight.clamp(0, 1), sure[:, None]], 1), "v c h w -> v h w c")
        own = shown[self.sides.covered]
        total = (_OWN + 1e-3 * own[:, 3:]) * own[:, :3]
        share = _OWN + 1e-3 * own[:, 3:]
        if together:
            for view in range(len(shown)):
                there = looked_up(
                    shown[view : view + 1], self._pixels[view : view + 1],
                    self.sides.cameras[view], "bilinear",
                )[0]  # fmt: skip
                weight = (self._weights[view] * there[:, 3])[:, None]
                total, share = total + weight * there[:, :3], share + weight
        elif self.known is not None:
            weight = self._own_weights()[:, None] * own[:, 3:]
            total, share = total + weight * own[:, :3], share + weight
        if self.known is not None:
            weight = self.known.weights[:, None]
            total, share = total + weight * self.known.colours, share + weight
        return self._drawn(pictures, shown[..., :3], total / share)

    def _own_weights(self) -> Float[Tensor, " n"]:
        """Of each point in the view whose pixel sees it."""
        counts = self.sides.covered.sum((1, 2)).tolist()
        rows = [one[view] for view, one in enumerate(self._weights.split(counts, 1))]
        return torch.cat(rows)

    def _drawn(
        self,
        pictures: Float[Tensor, "v c h w"],
        straight: Float[Tensor, "v h w 3"],
        colours: Float[Tensor, "n 3"],
    ) -> Float[Tensor, "v c h w"]:
        inside = straight.clone()
        inside[self.sides.covered] = colours
        inside = rearrange(inside, "v h w c -> v c h w")
        alpha = self.sides.alpha[:, None]
        if pictures.shape[1] == 4:
            return torch.cat([inside * alpha, alpha], 1)
        return inside * alpha + pictures * (1 - alpha)
