"""An asset as a dataset of posed pictures for nerfstudio."""

from dataclasses import replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from threed.conversion.mesh_gaussians import cameras_all_round
from threed.measures.cloud_views import Frame, frame_of, framed_cloud
from threed.measures.render_back import framed
from threed.nerfstudio.transforms import write_transforms
from threed.rendering.gaussians import render
from threed.scenes.gaussian_cloud import GaussianCloud

_PICTURES = 16
"""Rendered at a time, which bounds memory."""


def write_dataset(
    folder: Path, scene: TriangleMesh | GaussianCloud, num_views: int, size_px: int
) -> Path:
    """Renders from all round and their cameras, as ``transforms.json`` with its pictures.

    Scenes are drawn as a unit sphere, so that near planes in metres cut nothing off; the cameras
    are written in the scene's own place and size.

    Returns:
        The path of the JSON file.
    """
    cameras = cameras_all_round(num_views, size_px)
    if isinstance(scene, GaussianCloud):
        frame = frame_of(scene)
        placed: TriangleMesh | GaussianCloud = framed_cloud(scene, frame)
    else:
        low, high = (one.double() for one in (scene.vertices.amin(0), scene.vertices.amax(0)))
        x, y, z = ((low + high) / 2).tolist()
        frame = Frame((x, y, z), float(0.5 * (high - low).norm()))
        placed = framed(scene, scene)
    parts = [
        _drawn(placed, cameras[begin : begin + _PICTURES])
        for begin in range(0, num_views, _PICTURES)
    ]
    return write_transforms(folder, _unframed(cameras, frame), torch.cat(parts))


def _drawn(scene: TriangleMesh | GaussianCloud, cameras: Cameras) -> Float[Tensor, "v h w 4"]:
    if isinstance(scene, TriangleMesh):
        return render_mesh(scene, cameras, lighting=FLAT_LIGHTING).rgba.clamp(0, 1)
    with torch.no_grad():
        seen = render(scene, cameras.to(scene.means.dtype)).rgba.float()
    return torch.cat([seen[..., :3].clamp_min(0).minimum(seen[..., 3:]), seen[..., 3:]], -1)


def _unframed(cameras: Cameras, frame: Frame) -> Cameras:
    """``R (x - c) / r + t`` is the direction of ``R x + (r t - R c)``."""
    w2c = cameras.w2c.double().clone()
    centre = torch.tensor(frame.centre, dtype=torch.float64)
    w2c[:, :3, 3] = frame.radius_m * w2c[:, :3, 3] - w2c[:, :3, :3] @ centre
    return replace(cameras, w2c=w2c, intrinsics=cameras.intrinsics.double())
