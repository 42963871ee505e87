"""An edit from the same cameras: the file, the scene that it became, the edited mesh."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.seeding import generator_for
from threed.conversion.placed_source import PlacedSource
from threed.optimise.live_scene import LiveScene

SIZE_PX = 192
_SIDES = tuple(View(60.0 * index, (12.0, 12.0, 30.0)[index % 3]) for index in range(6))


@dataclass(frozen=True, eq=False)
class EditPictures:
    """Premultiplied RGBA, unshaded."""

    before: Float[Tensor, "v h w 4"]
    """The file."""
    begun: Float[Tensor, "v h w 4"]
    """The scene before its first step: what it could hold of the file."""
    after: Float[Tensor, "v h w 4"]
    """The mesh that is written."""


@torch.no_grad()
def edit_pictures(source: PlacedSource, begun: LiveScene, mesh: TriangleMesh) -> EditPictures:
    """Six sides of all three."""
    cameras = cameras_on_orbit(_SIDES, SIZE_PX)
    after = render_mesh(mesh, cameras, lighting=FLAT_LIGHTING).rgba
    first = begun.render(cameras, generator_for(0, 0, "edit pictures")).rgba
    return EditPictures(source.pictures(cameras), first, after)
