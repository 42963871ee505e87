"""A mesh seen from the cameras that it is painted from: what is where, before it has a colour."""

from dataclasses import dataclass

import torch
from einops import rearrange, repeat
from jaxtyping import Bool, Float
from torch import Tensor

from common.cameras import Cameras, unproject
from common.control.geometry_maps import depth_map, normal_map
from common.control.kinds import MeshKind
from common.control.preprocess import preprocessed
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh


@dataclass(frozen=True, eq=False)
class Sides:
    """Views of a mesh, and its surface at every pixel."""

    views: tuple[View, ...]
    cameras: Cameras
    alpha: Float[Tensor, "v h w"]
    """Share of the pixel that the mesh covers."""
    depth: Float[Tensor, "v h w"]
    """Of the pixel's centre; 0 where empty."""
    normals: Float[Tensor, "v h w 3"]
    """Of the pixel's centre, toward the camera; 0 where empty."""

    @property
    def covered(self) -> Bool[Tensor, "v h w"]:
        """Pixels whose centre sees the mesh."""
        return self.depth > 0

    def points(self) -> tuple[Float[Tensor, "n 3"], Float[Tensor, "n 3"]]:
        """Positions and normals of all covered pixels, view by view, row by row."""
        rows, columns = (
            torch.arange(count, dtype=torch.float32) + 0.5
            for count in (self.cameras.height, self.cameras.width)
        )
        grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
        pixels = repeat(grid, "h w xy -> v (h w) xy", v=len(self.views))
        where = unproject(self.cameras, pixels, rearrange(self.depth, "v h w -> v (h w)"))
        there = rearrange(self.covered, "v h w -> v (h w)")
        return where[there], rearrange(self.normals, "v h w c -> v (h w) c")[there]

    def painted(self, colours: Float[Tensor, "n 3"]) -> Float[Tensor, "v h w 4"]:
        """Pictures, premultiplied RGBA, of the colours at `points`."""
        inside = torch.zeros(*self.alpha.shape, 3).to(colours)
        inside[self.covered] = colours
        return torch.cat([inside * self.alpha[..., None], self.alpha[..., None]], -1)

    def control(self, kind: MeshKind) -> Float[Tensor, "v 3 h w"]:
        """What a ControlNet follows of these views, in [0, 1].

        Edges are those of depth, normals and outline: the mesh has no colours yet.
        """
        match kind:
            case "depth":
                return repeat(depth_map(self.depth), "v h w -> v c h w", c=3)
            case "normals":
                return rearrange(normal_map(self.normals, self.cameras.w2c), "v h w c -> v c h w")
            case "segmentation":
                return repeat(self.alpha.round(), "v h w -> v c h w", c=3)
            case "canny" | "soft_edge":
                shown = torch.cat([self.control("normals"), self.alpha[:, None].round()], 1)
                return torch.stack([preprocessed(one, kind) for one in shown])


def sides_of(mesh: TriangleMesh, views: tuple[View, ...], size_px: int) -> Sides:
    """Look at a mesh from these views on the prior's orbit.

    Args:
        mesh: from `placed_mesh.placed`.
        views: where from.
        size_px: side of the pictures.
    """
    cameras = cameras_on_orbit(views, size_px)
    seen = render_mesh(mesh, cameras, supersample=4)
    return Sides(views, cameras, seen.rgba[..., 3], seen.depth, seen.normal)
