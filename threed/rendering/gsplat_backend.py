"""Gaussian splatting on CUDA by gsplat (extra ``cuda``), with the results of `gaussians.render`.

The two share conventions and constants; they differ in the order of float32 sums.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from threed.rendering.gaussians import Splatting
from threed.rendering.rendered import Rendered
from threed.scenes.gaussian_cloud import GaussianCloud


def render(
    cloud: GaussianCloud,
    cameras: Cameras,
    *,
    splatting: Splatting | None = None,
    with_normals: bool = False,
) -> Rendered:
    """Pictures of a cloud on a CUDA device, differentiable in its parameters.

    Args:
        cloud: float32, on the device.
        cameras: the views, there too, without skew, which gsplat does not know.
        splatting: None: the defaults.
        with_normals: also gather normals, in a second pass.

    Raises:
        InputError: gsplat is not installed, tensors are elsewhere or not float32, skewed cameras.
    """
    _check(cloud, cameras)
    try:
        from gsplat import rasterization
    except ImportError as error:
        raise InputError(
            f"splatting on CUDA needs gsplat ({error}): pip install 'extrude[cuda]', or move the "
            "cloud and the cameras to the CPU"
        ) from error
    chosen = splatting or Splatting()

    def drawn(colours: Tensor, degree: int | None, mode: str) -> tuple[Tensor, Tensor]:
        pictures, opacity, _ = rasterization(
            cloud.means, cloud.quaternions, cloud.scales, cloud.opacities, colours,
            cameras.w2c, cameras.intrinsics, cameras.width, cameras.height,
            near_plane=chosen.near_m, eps2d=chosen.blur_px2, sh_degree=degree, packed=False,
            render_mode=mode, rasterize_mode="antialiased" if chosen.antialiased else "classic",
        )  # fmt: skip
        return pictures, opacity

    pictures, opacity = drawn(cloud.sh, cloud.degree, "RGB+ED")
    normal = drawn(view_normals(cloud, cameras), None, "RGB")[0] if with_normals else None
    alpha = rearrange(opacity, "v h w 1 -> v h w")
    depth = torch.where(alpha > 0, pictures[..., 3], 0.0)
    return Rendered(pictures[..., :3], alpha, depth, normal)


def view_normals(cloud: GaussianCloud, cameras: Cameras) -> Float[Tensor, "v n 3"]:
    """Each Gaussian's shortest axis in the world, turned toward each camera."""
    q = torch.nn.functional.normalize(cloud.quaternions, dim=-1)
    short = torch.nn.functional.one_hot(cloud.log_scales.argmin(-1), 3).to(q)
    # v + 2 w (u x v) + 2 u x (u x v) turns v by the quaternion (w, u)
    across = torch.linalg.cross(q[:, 1:], short)
    axis = short + 2 * q[:, :1] * across + 2 * torch.linalg.cross(q[:, 1:], across)
    away = cloud.means - cameras.positions[:, None]
    return torch.where((axis * away).sum(-1, keepdim=True) > 0, -axis, axis)


def _check(cloud: GaussianCloud, cameras: Cameras) -> None:
    devices = {cloud.means.device.type, cameras.w2c.device.type}
    if devices != {"cuda"}:
        raise InputError(
            f"gsplat works on CUDA, the tensors are on {sorted(devices)}; on the CPU use "
            "threed.rendering.gaussians"
        )
    if {cloud.means.dtype, cameras.w2c.dtype} != {torch.float32}:
        raise InputError(f"gsplat works in float32, got {cloud.means.dtype}, {cameras.w2c.dtype}")
    if bool(cameras.intrinsics[:, 0, 1].any()):
        raise InputError("gsplat knows no skewed cameras; set intrinsics[:, 0, 1] to 0")
