"""An asset as a dataset of posed pictures for nerfstudio."""

from dataclasses import replace
from pathlib import Path

import torch

from common.cameras import Cameras
from common.raster.mesh import TriangleMesh
from threed.conversion.mesh_gaussians import cameras_all_round
from threed.framed_scene import drawn_scene, framed_scene
from threed.measures.cloud_views import Frame
from threed.nerfstudio.transforms import write_transforms
from threed.scenes.gaussian_cloud import GaussianCloud


def write_dataset(
    folder: Path, scene: TriangleMesh | GaussianCloud, num_views: int, size_px: int
) -> Path:
    """Renders from all round and their cameras, as ``transforms.json`` with its pictures.

    Scenes are drawn in the unit sphere; the cameras are written in the scene's own place and size.

    Returns:
        The path of the JSON file.
    """
    cameras = cameras_all_round(num_views, size_px)
    placed, frame = framed_scene(scene)
    return write_transforms(folder, _unframed(cameras, frame), drawn_scene(placed, cameras))


def _unframed(cameras: Cameras, frame: Frame) -> Cameras:
    """``R (x - c) / r + t`` is the direction of ``R x + (r t - R c)``."""
    w2c = cameras.w2c.double().clone()
    centre = torch.tensor(frame.centre, dtype=torch.float64)
    w2c[:, :3, 3] = frame.radius_m * w2c[:, :3, 3] - w2c[:, :3, :3] @ centre
    return replace(cameras, w2c=w2c, intrinsics=cameras.intrinsics.double())
