"""The first scene of a distillation, if it is not the ball."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.raster.mesh import TriangleMesh
from common.runs.state import State
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.voxel_field import (
    EMPTY_RAW,
    VoxelField,
    interpolated,
    node_positions,
    uniform_field,
)

_MESH = ("vertices", "faces", "uvs", "uv_faces", "texture")
_CLOUD = ("means", "log_scales", "quaternions", "opacity_logits", "sh")


@dataclass(frozen=True, eq=False)
class SceneStart:
    """As a field on the scene's grid, as a cloud for scenes of Gaussians, or as a mesh."""

    field: VoxelField | None = None
    cloud: GaussianCloud | None = None
    mesh: TriangleMesh | None = None
    """With texture coordinates and texture."""

    def state(self) -> State:
        """What `start_of` makes it of again."""
        state: dict[str, Any] = {}
        if self.field is not None:
            state["field"] = [self.field.density, self.field.colour]
            state["box"] = [list(self.field.low), list(self.field.high)]
        if self.cloud is not None:
            state["cloud"] = [getattr(self.cloud, name) for name in _CLOUD]
        if self.mesh is not None:
            state["mesh"] = {name: getattr(self.mesh, name) for name in _MESH}
        return state


def start_of(state: State) -> SceneStart | None:
    """The start that `SceneStart.state` described; None of None."""
    if state is None:
        return None
    field = cloud = mesh = None
    if "field" in state:
        low, high = (tuple(corner) for corner in state["box"])
        density, colour = state["field"]
        field = VoxelField(density, colour, low, high)
    if "cloud" in state:
        cloud = GaussianCloud(*state["cloud"])
    if "mesh" in state:
        mesh = TriangleMesh(**state["mesh"])
    return SceneStart(field, cloud, mesh)


def on_scene_grid(field: VoxelField, num_cells: int) -> VoxelField:
    """A field on the nodes of the scene's box, ``num_cells`` a side; empty beyond its own box.

    Trilinear in the raw values, as rays see them.
    """
    grid = uniform_field((num_cells + 1,) * 3)
    points = node_positions(grid).reshape(-1, 3)
    low, high = points.new_tensor(field.low), points.new_tensor(field.high)
    inside = ((points >= low) & (points <= high)).all(-1)
    raw = interpolated(_whole(field), field, points)
    density = torch.where(inside, raw[:, 0], EMPTY_RAW).view(grid.density.shape)
    colour = raw[:, 1:].reshape(grid.colour.shape)
    return VoxelField(density.contiguous(), colour.contiguous(), grid.low, grid.high)


def _whole(field: VoxelField) -> Float[Tensor, "x y z 4"]:
    return torch.cat([field.density.detach()[..., None], field.colour.detach()], -1)
