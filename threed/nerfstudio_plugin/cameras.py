"""Cameras across the border to nerfstudio: its axes are OpenGL's, its world is +Z up."""

import torch
from nerfstudio.cameras.cameras import Cameras as NerfstudioCameras
from nerfstudio.cameras.cameras import CameraType
from torch import Tensor

from common.cameras import Cameras, cameras_from_nerfstudio, nerfstudio_c2w
from common.errors import InputError


def theirs(cameras: Cameras) -> NerfstudioCameras:
    """Our cameras as nerfstudio's, float32; they must be without skew."""
    k = cameras.intrinsics.float()
    if bool((k[:, 0, 1] != 0).any()):
        raise InputError("nerfstudio has no place for skewed cameras")
    return NerfstudioCameras(
        camera_to_worlds=nerfstudio_c2w(cameras.to(torch.float64))[:, :3].float(),
        fx=k[:, 0, 0].contiguous(), fy=k[:, 1, 1].contiguous(),
        cx=k[:, 0, 2].contiguous(), cy=k[:, 1, 2].contiguous(),
        width=cameras.width, height=cameras.height, camera_type=CameraType.PERSPECTIVE,
    )  # fmt: skip


def ours(cameras: NerfstudioCameras) -> Cameras | None:
    """Cameras of nerfstudio as ours, float32; None where they are no pinholes of one size."""
    sizes = {(int(h), int(w)) for h, w in zip(cameras.height, cameras.width, strict=True)}
    pinholes = bool((cameras.camera_type == CameraType.PERSPECTIVE.value).all())
    bent = cameras.distortion_params is not None and bool((cameras.distortion_params != 0).any())
    if len(sizes) != 1 or not pinholes or bent:
        return None
    height, width = sizes.pop()
    intrinsics = torch.zeros(len(cameras.fx), 3, 3, dtype=torch.float64)
    intrinsics[:, 0, 0], intrinsics[:, 1, 1] = _column(cameras.fx), _column(cameras.fy)
    intrinsics[:, 0, 2], intrinsics[:, 1, 2] = _column(cameras.cx), _column(cameras.cy)
    intrinsics[:, 2, 2] = 1.0
    c2w = torch.eye(4, dtype=torch.float64).repeat(len(intrinsics), 1, 1)
    c2w[:, :3] = cameras.camera_to_worlds.double().cpu()
    return cameras_from_nerfstudio(c2w, intrinsics, height, width).to(torch.float32)


def _column(values: Tensor) -> Tensor:
    return values.double().cpu()[:, 0]
