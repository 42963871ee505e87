"""Pinhole cameras: the one place where axes, units and pixel positions are defined.

- World: right-handed, +Y up, metres; an object stands with its front toward +Z.
- Camera: OpenCV axes, x right, y down, z forward (into the picture). ``w2c`` takes world to camera.
- Orbit: azimuth 0 looks at the front (camera on +Z looking to -Z), azimuth 90 has the camera on
  +X (the object's left side), positive elevation is above the horizon. Degrees.
- Picture: pixel ``(row i, column j)`` covers ``[j, j+1] x [i, i+1]``, its centre is
  ``(j + 0.5, i + 0.5)``; ``intrinsics`` are in those units.
- Depth is the camera-space z of a point, not its distance along the ray.

Other conventions (OpenGL, nerfstudio, glTF) are converted once, at the border, by the functions
at the end of this file. Everything keeps the dtype it is given, float64 included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError

PerView = float | int | Sequence[float | int] | Float[Tensor, " _"]
"""One number for all views, or one per view."""


@dataclass(frozen=True, eq=False)
class Cameras:
    """The views of one render call: ``v`` cameras that share one picture size."""

    w2c: Float[Tensor, "v 4 4"]
    """World to camera, rigid: rotation and translation."""
    intrinsics: Float[Tensor, "v 3 3"]
    """``[[fx, skew, cx], [0, fy, cy], [0, 0, 1]]`` in pixels."""
    height: int
    """Picture height in pixels."""
    width: int
    """Picture width in pixels."""

    def __post_init__(self) -> None:
        views, expected = self.w2c.shape[0], self.intrinsics.shape[0]
        if views != expected:
            raise InputError(f"{views} camera poses but {expected} intrinsics; give one of each")
        if self.height < 1 or self.width < 1:
            raise InputError(f"a picture of {self.height} x {self.width} pixels has no pixels")

    def __len__(self) -> int:
        return self.w2c.shape[0]

    def __getitem__(self, index: int | slice | Sequence[int] | Tensor) -> "Cameras":
        """The chosen views; a single index keeps the view axis."""
        chosen = _as_selection(index, len(self))
        return Cameras(self.w2c[chosen], self.intrinsics[chosen], self.height, self.width)

    @property
    def c2w(self) -> Float[Tensor, "v 4 4"]:
        """Camera to world, the exact rigid inverse: ``[R^T, -R^T t]``."""
        return rigid_inverse(self.w2c)

    @property
    def positions(self) -> Float[Tensor, "v 3"]:
        """Camera centres in the world."""
        return self.c2w[:, :3, 3]

    def to(self, target: torch.dtype | torch.device | str) -> "Cameras":
        """The same cameras in another dtype or on another device."""
        return Cameras(self.w2c.to(target), self.intrinsics.to(target), self.height, self.width)

    def scaled(self, factor: int) -> "Cameras":
        """The same views with ``factor`` times as many pixels along each side."""
        if factor < 1:
            raise InputError(f"cannot scale a picture by {factor}; give a whole number from 1")
        scale = self.intrinsics.new_tensor([factor, factor, 1.0])
        intrinsics = self.intrinsics * scale[:, None]
        return Cameras(self.w2c, intrinsics, self.height * factor, self.width * factor)


def concatenate(cameras: Sequence[Cameras]) -> Cameras:
    """All views of several sets of cameras, in order; the picture sizes must agree."""
    sizes = sorted({(one.height, one.width) for one in cameras})
    if len(sizes) != 1:
        raise InputError(f"cameras to join need one picture size, found {sizes}")
    w2c = torch.cat([one.w2c for one in cameras])
    intrinsics = torch.cat([one.intrinsics for one in cameras])
    return Cameras(w2c, intrinsics, *sizes[0])


def orbit_cameras(
    azimuth_deg: PerView,
    elevation_deg: PerView,
    camera_distance: PerView,
    fovy_deg: PerView,
    height: int,
    width: int,
    *,
    target: tuple[float, float, float] = (0.0, 0.0, 0.0),
    dtype: torch.dtype = torch.float32,
) -> Cameras:
    """Upright cameras on a sphere around ``target``, all looking at it.

    Position ``target + d (sin a cos e, sin e, cos a cos e)``; defined at the poles too, where
    "right" stays ``(cos a, 0, -sin a)``. Numbers and sequences broadcast over the views.

    Args:
        azimuth_deg: 0 front, 90 from +X, 180 back.
        elevation_deg: in [-90, 90].
        camera_distance: from the target, metres, above 0.
        fovy_deg: vertical field of view, in (0, 180).
        height: picture height in pixels.
        width: picture width in pixels.
        target: the point at the picture's centre.
        dtype: of the result; the trigonometry is done in float64.
    """
    columns = [azimuth_deg, elevation_deg, camera_distance, fovy_deg]
    azimuth, elevation, distance, fovy = _broadcast(columns)
    _check_orbit(elevation, distance, fovy)
    a, e = torch.deg2rad(azimuth), torch.deg2rad(elevation)
    zero = torch.zeros_like(a)
    outward = torch.stack([a.sin() * e.cos(), e.sin(), a.cos() * e.cos()], -1)
    right = torch.stack([a.cos(), zero, -a.sin()], -1)
    down = torch.linalg.cross(right, outward)
    rotation = torch.stack([right, down, -outward], 1)  # rows: camera axes in the world
    centre = torch.tensor(target, dtype=torch.float64) + distance[:, None] * outward
    w2c = _rigid(rotation, -einsum(rotation, centre, "v i j, v j -> v i"))
    focal = 0.5 * height / torch.tan(0.5 * torch.deg2rad(fovy))
    intrinsics = pinhole_intrinsics(focal, focal, width / 2, height / 2)
    return Cameras(w2c.to(dtype), intrinsics.to(dtype), height, width)


def pinhole_intrinsics(
    fx: Float[Tensor, " v"], fy: Float[Tensor, " v"], cx: float, cy: float
) -> Float[Tensor, "v 3 3"]:
    """Intrinsic matrices without skew, one per focal length, in pixels."""
    matrix = torch.zeros(fx.shape[0], 3, 3, dtype=fx.dtype, device=fx.device)
    matrix[:, 0, 0], matrix[:, 1, 1], matrix[:, 2, 2] = fx, fy, 1.0
    matrix[:, 0, 2], matrix[:, 1, 2] = cx, cy
    return matrix


def rigid_inverse(matrix: Float[Tensor, "v 4 4"]) -> Float[Tensor, "v 4 4"]:
    """``[R, t]^-1 = [R^T, -R^T t]``: exact for rigid transforms, where a general inverse is not."""
    rotation = rearrange(matrix[:, :3, :3], "v i j -> v j i")
    return _rigid(rotation, -einsum(rotation, matrix[:, :3, 3], "v i j, v j -> v i"))


def world_to_camera(cameras: Cameras, points: Float[Tensor, "n 3"]) -> Float[Tensor, "v n 3"]:
    """World points in every camera's frame.

    Written as sums of products rather than as a matrix product, whose last bit depends on the
    number of threads.
    """
    rotation, offset = cameras.w2c[:, None, :3, :3], cameras.w2c[:, None, :3, 3]
    x, y, z = points[None, :, None].unbind(-1)
    return x * rotation[..., 0] + y * rotation[..., 1] + z * rotation[..., 2] + offset


def project(
    cameras: Cameras, points: Float[Tensor, "n 3"]
) -> tuple[Float[Tensor, "v n 2"], Float[Tensor, "v n"]]:
    """Pixel positions ``(x, y)`` and depths of world points.

    A point at depth 0 or behind the camera has no picture: its pixel position means nothing,
    which its depth shows.
    """
    seen = world_to_camera(cameras, points)
    depth = seen[..., 2]
    pixels = einsum(cameras.intrinsics, seen / depth[..., None], "v i j, v n j -> v n i")
    return pixels[..., :2], depth


def unproject(
    cameras: Cameras, pixels: Float[Tensor, "v n 2"], depth: Float[Tensor, "v n"]
) -> Float[Tensor, "v n 3"]:
    """World points seen at pixel positions ``(x, y)`` at the given depths: undoes `project`."""
    seen = _pixel_directions(cameras, pixels) * depth[..., None]
    c2w = cameras.c2w
    return einsum(c2w[:, :3, :3], seen, "v i j, v n j -> v n i") + c2w[:, None, :3, 3]


def rays(cameras: Cameras) -> tuple[Float[Tensor, "v h w 3"], Float[Tensor, "v h w 3"]]:
    """Origins and unit directions, in the world, of the rays through all pixel centres."""
    height, width = cameras.height, cameras.width
    rows = torch.arange(height, device=cameras.w2c.device).to(cameras.w2c.dtype) + 0.5
    columns = torch.arange(width, device=cameras.w2c.device).to(cameras.w2c.dtype) + 0.5
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
    pixels = repeat(grid, "h w xy -> v (h w) xy", v=len(cameras))
    seen = torch.nn.functional.normalize(_pixel_directions(cameras, pixels), dim=-1)
    turned = einsum(cameras.c2w[:, :3, :3], seen, "v i j, v n j -> v n i")
    directions = rearrange(turned, "v (h w) xyz -> v h w xyz", h=height)
    origins = repeat(cameras.positions, "v xyz -> v h w xyz", h=height, w=width)
    return origins, directions


def _pixel_directions(cameras: Cameras, pixels: Float[Tensor, "v n 2"]) -> Float[Tensor, "v n 3"]:
    """Camera-space directions with z = 1 through pixel positions: ``K^-1 (x, y, 1)``."""
    k = cameras.intrinsics[:, None]
    y = (pixels[..., 1] - k[..., 1, 2]) / k[..., 1, 1]
    x = (pixels[..., 0] - k[..., 0, 2] - k[..., 0, 1] * y) / k[..., 0, 0]
    return torch.stack([x, y, torch.ones_like(x)], -1)


def _rigid(
    rotation: Float[Tensor, "v 3 3"], translation: Float[Tensor, "v 3"]
) -> Float[Tensor, "v 4 4"]:
    last = translation.new_tensor([0.0, 0.0, 0.0, 1.0])
    upper = torch.cat([rotation, translation[:, :, None]], -1)
    return torch.cat([upper, repeat(last, "c -> v 1 c", v=len(rotation))], 1)


def _as_selection(index: int | slice | Sequence[int] | Tensor, count: int) -> slice | Tensor:
    if isinstance(index, slice):
        return index
    chosen = torch.atleast_1d(torch.as_tensor(index))
    if chosen.dtype != torch.bool and chosen.numel():
        low, high = int(chosen.min()), int(chosen.max())
        if low < -count or high >= count:
            raise IndexError(f"view {high if high >= count else low} of {count}")
    return chosen


def _broadcast(columns: Sequence[PerView]) -> list[Tensor]:
    tensors = [torch.atleast_1d(torch.as_tensor(one, dtype=torch.float64)) for one in columns]
    counts = sorted({len(one) for one in tensors} - {1})
    if len(counts) > 1 or 0 in counts:
        raise InputError(f"camera values for {counts} views do not go together")
    return [one.expand(counts[0] if counts else 1) for one in tensors]


def _check_orbit(elevation: Tensor, distance: Tensor, fovy: Tensor) -> None:
    if not bool((elevation.abs() <= 90).all()):
        raise InputError(f"elevation_deg must be in [-90, 90], got {elevation.tolist()}")
    if not bool(((distance > 0) & distance.isfinite()).all()):
        raise InputError(f"camera_distance must be above 0, got {distance.tolist()}")
    if not bool(((fovy > 0) & (fovy < 180)).all()):
        raise InputError(f"fovy_deg must be between 0 and 180, got {fovy.tolist()}")


def opengl_c2w(cameras: Cameras) -> Float[Tensor, "v 4 4"]:
    """Camera to world with OpenGL axes (x right, y up, z backward); the world is unchanged.

    This is also a glTF camera node's matrix: glTF's world is ours (+Y up, front +Z, metres).
    """
    return cameras.c2w * _yz_flip(cameras.w2c)


def cameras_from_opengl(
    c2w: Float[Tensor, "v 4 4"], intrinsics: Float[Tensor, "v 3 3"], height: int, width: int
) -> Cameras:
    """Cameras from OpenGL or glTF camera-to-world matrices: undoes `opengl_c2w`."""
    check_rigid(c2w)
    return Cameras(rigid_inverse(c2w * _yz_flip(c2w)), intrinsics, height, width)


def nerfstudio_c2w(cameras: Cameras) -> Float[Tensor, "v 4 4"]:
    """Matrices of ``transforms.json``: OpenGL camera axes in a world with +Z up and front -Y."""
    world = _nerfstudio_world(cameras.w2c)
    return einsum(world, opengl_c2w(cameras), "i j, v j k -> v i k")


def cameras_from_nerfstudio(
    c2w: Float[Tensor, "v 4 4"], intrinsics: Float[Tensor, "v 3 3"], height: int, width: int
) -> Cameras:
    """Cameras from ``transform_matrix`` entries of nerfstudio: undoes `nerfstudio_c2w`."""
    world = rearrange(_nerfstudio_world(c2w), "i j -> j i")
    return cameras_from_opengl(einsum(world, c2w, "i j, v j k -> v i k"), intrinsics, height, width)


def gltf_yfov(cameras: Cameras) -> Float[Tensor, " v"]:
    """The vertical fields of view in radians, as glTF's ``camera.perspective.yfov``.

    A glTF camera has square pixels and its axis in the picture's centre; others are refused.
    """
    k = cameras.intrinsics.double()
    centre = k.new_tensor([cameras.width / 2, cameras.height / 2])
    size = max(cameras.width, cameras.height)
    off = torch.maximum((k[:, :2, 2] - centre).abs().amax(-1), k[:, 0, 1].abs())
    off = torch.maximum(off, (k[:, 0, 0] / k[:, 1, 1] - 1).abs() * size)
    if bool((off > 1e-3 * size).any()):
        raise InputError(
            f"glTF cameras need square pixels and a centred axis; these are off by up to "
            f"{float(off.max()):.3g} of {size} pixels"
        )
    return (2 * torch.atan(0.5 * cameras.height / k[:, 1, 1])).to(cameras.intrinsics.dtype)


def cameras_from_gltf(
    matrix: Float[Tensor, "v 4 4"], yfov: Float[Tensor, " v"], height: int, width: int
) -> Cameras:
    """Cameras from glTF node matrices and ``yfov`` in radians: undoes the two functions above."""
    focal = 0.5 * height / torch.tan(0.5 * yfov)
    intrinsics = pinhole_intrinsics(focal, focal, width / 2, height / 2)
    return cameras_from_opengl(matrix, intrinsics, height, width)


def check_rigid(matrix: Float[Tensor, "v 4 4"], tolerance: float = 1e-3) -> None:
    """Refuse matrices that scale, shear or mirror: no camera does."""
    rotation = matrix[:, :3, :3].double()
    gram = einsum(rotation, rotation, "v i j, v i k -> v j k")
    error = (gram - torch.eye(3, dtype=torch.float64, device=gram.device)).abs().amax((1, 2))
    wrong = ~((error <= tolerance) & (torch.linalg.det(rotation) > 0))
    if bool(wrong.any()):
        view = int(wrong.nonzero()[0])
        raise InputError(
            f"camera {view} is not a rotation and a translation: its axes are off by "
            f"{float(error[view]):.3g} from orthonormal, or mirrored"
        )


def _yz_flip(like: Tensor) -> Tensor:
    """Column signs that turn y down, z forward into y up, z backward."""
    return like.new_tensor([1.0, -1.0, -1.0, 1.0])


def _nerfstudio_world(like: Tensor) -> Tensor:
    """Our world (+Y up, front +Z) turned a quarter about X: ``(x, y, z) -> (x, -z, y)``."""
    return like.new_tensor([[1, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
