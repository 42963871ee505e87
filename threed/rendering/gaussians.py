"""Gaussian splatting on the CPU, differentiable in everything that a `GaussianCloud` holds.

Conventions and constants are gsplat's and INRIA's, so clouds look alike there and here: affine
projection, 0.3 pixels^2 of blur, alpha at most 0.99 and none below 1/255, light down to 1e-4, tiles
of 16 pixels. The work is done in compiled loops: per Gaussian in `gaussian_projection_kernels` and
`gaussian_gradient_kernels`, per tile in `gaussian_tile_kernels` and `gaussian_pixel_kernels`. Every
sum has one owner and one order, so results do not depend on the number of threads.
"""

from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from threed.rendering.rendered import Rendered
from threed.scenes.gaussian_cloud import GaussianCloud


@dataclass(frozen=True)
class Splatting:
    """How Gaussians become splats."""

    near_m: float = 0.01
    """Gaussians whose centres are nearer, or behind the camera, are not seen."""
    blur_px2: float = 0.3
    """Variance that every splat gains, so that none falls between pixels."""
    antialiased: bool = False
    """Whether splats lose in opacity what the blur adds to their area (Yu et al. 2024, Mip-
    Splatting, arXiv 2311.16493): true for pictures at another size than that of the fit."""

    def __post_init__(self) -> None:
        """Refuse what has no picture."""
        if not (self.near_m > 0 and self.blur_px2 > 0):
            raise InputError(
                f"near plane and blur must be above 0, got {self.near_m} m, {self.blur_px2} px^2"
            )


@dataclass(frozen=True, eq=False)
class Splatted:
    """Pictures, and what densification wants to know of the splats."""

    rendered: Rendered
    radii: Float[Tensor, "v n"]
    """How far each splat reaches from its centre, pixels; 0 where it is not in the picture."""


def render(
    cloud: GaussianCloud,
    cameras: Cameras,
    *,
    splatting: Splatting | None = None,
    with_normals: bool = False,
) -> Rendered:
    """Pictures of the cloud, differentiable in its parameters.

    Args:
        cloud: float32 or float64, on the CPU, finite.
        cameras: the views, in the cloud's dtype.
        splatting: None: the defaults.
        with_normals: also gather normals: each Gaussian's shortest axis, turned to the camera.

    Raises:
        InputError: other devices or dtypes, numbers that are not finite or overflow, quaternions
            of length 0.
    """
    return splat(cloud, cameras, splatting=splatting, with_normals=with_normals).rendered


def splat(
    cloud: GaussianCloud,
    cameras: Cameras,
    *,
    shifts: Float[Tensor, "v n 2"] | None = None,
    splatting: Splatting | None = None,
    with_normals: bool = False,
) -> Splatted:
    """`render`, with what densification needs.

    Args:
        cloud: as for `render`.
        cameras: as for `render`.
        shifts: added to the splats' centres, pixels. The gradient of zeros given here is that of
            the centres, by which `threed.optimise.adaptive_density` decides.
        splatting: as for `render`.
        with_normals: as for `render`.
    """
    _check(cloud, cameras, shifts)
    if shifts is None:
        shifts = cloud.means.new_zeros(len(cameras), len(cloud), 2)
    features, left, radii = _Splat.apply(
        *(getattr(cloud, field.name) for field in fields(cloud)), shifts, cameras,
        splatting or Splatting(), with_normals,
    )  # fmt: skip
    opacity = 1 - left
    seen = opacity > 0
    depth = features[..., 3] / torch.where(seen, opacity, 1.0)
    normal = features[..., 4:] if with_normals else None
    return Splatted(Rendered(features[..., :3], opacity, depth, normal), radii)


class _Splat(torch.autograd.Function):
    """Raw parameters to composited features, the light left behind them, and radii."""

    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor, Tensor]:
        from threed.rendering.gaussian_frames import draw, frame_of, kernel_cloud, project

        *tensors, shifts, cameras, splatting, with_normals = arguments
        kept = [one.detach().contiguous() for one in tensors]
        cloud = kernel_cloud(kept)
        frame = frame_of(cameras, splatting)
        splats = project(cloud, frame, shifts.detach().contiguous().numpy(), with_normals)
        drawn = draw(splats, frame)
        features, left = (torch.from_numpy(one) for one in drawn.pictures[:2])
        radii = torch.from_numpy(splats.radii).view(len(cameras), -1)
        ctx.save_for_backward(*kept)
        ctx.frame, ctx.splats, ctx.drawn = frame, splats, drawn
        ctx.mark_non_differentiable(radii)
        return features, left, radii

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(
        ctx: Any, grad_features: Tensor, grad_left: Tensor, _radii: Tensor
    ) -> tuple[Tensor | None, ...]:
        from threed.rendering.gaussian_frames import gradients, kernel_cloud

        found = gradients(
            kernel_cloud(ctx.saved_tensors), ctx.frame, ctx.splats, ctx.drawn,
            grad_features.contiguous().numpy(), grad_left.contiguous().numpy(),
        )  # fmt: skip
        return (*(torch.from_numpy(one) for one in found), None, None, None)


def _check(cloud: GaussianCloud, cameras: Cameras, shifts: Tensor | None) -> None:
    tensors = {field.name: getattr(cloud, field.name) for field in fields(cloud)}
    if shifts is not None:
        tensors["shifts"] = shifts
        if shifts.shape[:2] != (len(cameras), len(cloud)):
            raise InputError(
                f"shifts for {tuple(shifts.shape[:2])} views and Gaussians, there are "
                f"{len(cameras)} and {len(cloud)}"
            )
    devices = {one.device.type for one in (*tensors.values(), cameras.w2c)}
    if devices != {"cpu"}:
        raise InputError(
            f"this renderer works on the CPU, the tensors are on {sorted(devices)}; on CUDA use "
            "threed.rendering.gsplat_backend"
        )
    dtypes = {one.dtype for one in (*tensors.values(), cameras.w2c)}
    if len(dtypes) > 1 or not dtypes <= {torch.float32, torch.float64}:
        raise InputError(f"cloud and cameras must be float32 or float64 alike, got {dtypes}")
    for name, one in (*tensors.items(), ("w2c", cameras.w2c), ("intrinsics", cameras.intrinsics)):
        if not bool(torch.isfinite(one).all()):
            count = int((~torch.isfinite(one)).sum())
            raise InputError(f"{count} of {one.numel()} numbers in {name} are not finite")
