"""The part of a texture that stays: where it is, and what it shows to views that are painted."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from common.raster.mesh import TriangleMesh
from common.raster.texture import sample_texture
from threed.painting.light import irradiance, lit
from threed.texturing.carried_texture import nearest_points

_CERTAIN = 1e3
"""Weight of a kept colour beside pictures, whose weights are at most `paint.KEEP`."""
_STAYS = 0.99


@dataclass(frozen=True, eq=False)
class KeptTexture:
    """A texture and the texels of it that are painted anew."""

    texture: Float[Tensor, "h w 3"]
    """sRGB-encoded, in [0, 1]."""
    painted: Bool[Tensor, "h w"]
    """Texels to paint; all others stay."""
    is_lit: bool = False
    """Whether views see it in the light of the prior's pictures."""

    def known(
        self, mesh: TriangleMesh, positions: Float[Tensor, "n 3"], normals: Float[Tensor, "n 3"]
    ) -> tuple[Float[Tensor, "n 3"], Float[Tensor, " n"]]:
        """The kept colours at points of the surface, and weights: `_CERTAIN`, or 0 where painted.

        Args:
            mesh: with the texture's coordinates.
            positions: points of its surface.
            normals: outward unit normals there.
        """
        assert mesh.uvs is not None
        faces, shares = nearest_points(mesh, positions, normals)
        corners = (mesh.faces if mesh.uv_faces is None else mesh.uv_faces)[faces].long()
        uvs = (mesh.uvs.double()[corners] * shares[..., None]).sum(1).to(self.texture)
        stays = (~self.painted).to(self.texture)[..., None]
        seen = sample_texture(torch.cat([self.texture, stays], -1), uvs)
        colours = lit(seen[:, :3], irradiance(normals)) if self.is_lit else seen[:, :3]
        return colours, _CERTAIN * (seen[:, 3] > _STAYS)

    def over(self, texture: Float[Tensor, "h w 3"]) -> Float[Tensor, "h w 3"]:
        """A texture with the kept texels as they were, to the bit."""
        return torch.where(self.painted[..., None], texture, self.texture)
