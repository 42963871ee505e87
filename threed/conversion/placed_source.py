"""What a file holds, upright, in the box of a scene, and the way back to its own size and place."""

from dataclasses import dataclass, replace
from typing import assert_never

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras, orbit_cameras
from common.embedded.orbit import DISTANCE_M, FOVY_DEG
from common.errors import InputError
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from threed.conversion.inflated_picture import inflated_picture, is_picture
from threed.conversion.mesh_gaussians import directions_all_round
from threed.conversion.point_files import has_points, read_points
from threed.conversion.sources import check_source, read_gaussians
from threed.drawable import drawable_mesh
from threed.front import read_front
from threed.measures.cloud_views import frame_of
from threed.mesh_files import read_mesh
from threed.rendering.gaussians import render
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.gaussian_start import cloud_from_points
from threed.scenes.similarity import moved_cloud
from threed.scenes.start_config import AssetStart

HALF_BOX_M = 0.6
"""Of the scene's box, which is about the origin."""
POINT_OPACITY = 0.9
"""Of a Gaussian that stands for a point of a cloud."""
_Z_UP = ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.0, -1.0, 0.0))


@dataclass(frozen=True, eq=False)
class Placement:
    """``x -> scale * turn x + shift``, from the file's world to the scene's."""

    turn: Float[Tensor, "3 3"]
    scale: float
    shift: Float[Tensor, " 3"]

    def back(self, mesh: TriangleMesh) -> TriangleMesh:
        """A mesh of the scene in the file's world."""
        points = ((mesh.vertices.double() - self.shift) / self.scale) @ self.turn
        normals = mesh.normals
        if normals is not None:
            normals = (normals.double() @ self.turn).to(normals.dtype)
        return replace(mesh, vertices=points.to(mesh.vertices.dtype), normals=normals)

    def cloud_back(self, cloud: GaussianCloud) -> GaussianCloud:
        """Gaussians of the scene in the file's world."""
        shift = -(self.shift @ self.turn) / self.scale
        return moved_cloud(cloud, self.turn.T, scale=1 / self.scale, shift=shift)


@dataclass(frozen=True, eq=False)
class PlacedSource:
    """A mesh or a cloud within the scene's box."""

    mesh: TriangleMesh | None
    cloud: GaussianCloud | None
    placement: Placement
    losses: tuple[str, ...]
    """What of the file is not in the scene, a clause each."""

    def pictures(self, cameras: Cameras) -> Float[Tensor, "v h w 4"]:
        """Premultiplied RGBA, unshaded, as a screen shows it."""
        if self.mesh is not None:
            return render_mesh(self.mesh, cameras, lighting=FLAT_LIGHTING).rgba.float()
        assert self.cloud is not None  # one of both is there
        with torch.no_grad():
            seen = render(self.cloud, cameras).rgba
        return torch.cat([seen[..., :3].clamp_min(0).minimum(seen[..., 3:]), seen[..., 3:]], -1)


def check_start(start: AssetStart) -> None:
    """Refuse a file that cannot be read, before a run folder exists.

    Raises:
        InputError: with the numbers and the fix.
    """
    if is_picture(start.input):
        _check_picture(start)
        return
    if start.thickness != 1:
        raise InputError(f"method.start.thickness is of pictures; {start.input.name} is none")
    if check_source(start.input, start.axes) == "checkpoint":
        raise InputError(
            f"{start.input}: is a checkpoint; make a splat file of it with threed/convert first"
        )


def placed_source(start: AssetStart, seed_points: torch.Generator, most: int) -> PlacedSource:
    """Read the file and bring it into the scene's box.

    Args:
        start: which file, and how it is placed.
        seed_points: draws the points that are kept of a cloud with too many.
        most: Gaussians that a cloud of points becomes at most.

    Raises:
        InputError: foreign, damaged, empty, or outside the box.
    """
    turn = torch.tensor(_Z_UP if start.up == "+z" else torch.eye(3).tolist(), dtype=torch.float64)
    if is_picture(start.input):
        return _placed_mesh(start, turn, inflated_picture(start.input, start.thickness), ())
    kind = check_source(start.input, start.axes)
    match kind:
        case "mesh" if not has_points(start.input):
            read = read_mesh(start.input)
            return _placed_mesh(start, turn, drawable_mesh(read.mesh), read.losses)
        case "mesh":
            found = read_points(start.input, most, seed_points)
            cloud = cloud_from_points(found.points, found.colours, opacity=POINT_OPACITY)
            losses = found.losses
        case "gaussians":
            source = read_gaussians(start.input, start.axes)
            cloud, losses = source.cloud, source.losses
        case "checkpoint":
            raise InputError(f"{start.input}: is a checkpoint")
        case _:
            assert_never(kind)
    turned = moved_cloud(cloud, turn)
    frame_of(turned)  # refuses what shows nothing
    low, high = turned.means.amin(0).double(), turned.means.amax(0).double()
    placement = _placement(start, turn, low, high)
    moved = moved_cloud(cloud, turn, scale=placement.scale, shift=placement.shift)
    return PlacedSource(None, moved, placement, losses)


def _check_picture(start: AssetStart) -> None:
    """Refuse pictures without an outline, and keys that are not theirs."""
    if not start.input.is_file():
        raise InputError(f"{start.input}: there is no such file")
    if start.axes is not None or start.up != "+y":
        raise InputError(f"{start.input}: is a picture of the front; leave out start.axes and up")
    read_front(start.input)


def _placed_mesh(
    start: AssetStart, turn: Tensor, mesh: TriangleMesh, losses: tuple[str, ...]
) -> PlacedSource:
    points = mesh.vertices.double() @ turn.T
    placement = _placement(start, turn, points.amin(0), points.amax(0))
    return PlacedSource(_moved(mesh, placement), None, placement, losses)


def cameras_about(count: int, size_px: int) -> Cameras:
    """Cameras on the prior's orbit, evenly spread over all directions."""
    azimuths, elevations = directions_all_round(count)
    return orbit_cameras(azimuths, elevations, DISTANCE_M, FOVY_DEG, size_px, size_px)


def _placement(start: AssetStart, turn: Tensor, low: Tensor, high: Tensor) -> Placement:
    """About the middle of the box from ``low`` to ``high`` (turned already), or where it is."""
    longest = float((high - low).max())
    if start.size_m is None:
        reach = float(torch.maximum(low.abs(), high.abs()).max())
        if reach > HALF_BOX_M:
            raise InputError(
                f"{start.input}: reaches {reach:g} m from the origin; scenes reach {HALF_BOX_M:g} "
                "m. Set method.start.size_m, such as 1.0, to bring it into the scene"
            )
        return Placement(turn, 1.0, torch.zeros(3, dtype=torch.float64))
    if longest == 0:
        raise InputError(f"{start.input}: is one point; there is no size to fit into a scene")
    scale = start.size_m / longest
    return Placement(turn, scale, -scale * (low + high) / 2)


def _moved(mesh: TriangleMesh, placement: Placement) -> TriangleMesh:
    points = placement.scale * (mesh.vertices.double() @ placement.turn.T) + placement.shift
    normals = mesh.normals
    if normals is not None:
        normals = (normals.double() @ placement.turn.T).to(normals.dtype)
    return replace(mesh, vertices=points.to(mesh.vertices.dtype), normals=normals)
