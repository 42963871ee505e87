"""Texture lookups: bilinear, or trilinear between mip levels, differentiable.

A texture is ``h w c`` with row 0 at its top; texture coordinates are OBJ's, u right and v up, with
texel centres at half steps: ``u = (column + 0.5) / w``, ``v = 1 - (row + 0.5) / h``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from common.cameras import Cameras, world_to_camera
from common.errors import InputError
from common.raster import texture_kernels as kernels
from common.raster.rasterize import BAND_ROWS, Fragments, kernel_faces, pinhole_rows
from common.raster.threads import run_blocks

Wrap = Literal["repeat", "clamp"]
"""What lies outside [0, 1]: the texture again, or its border texels."""

PIXEL_BLOCK = 8192
MAX_TEXEL_BLOCKS = 16


@dataclass(frozen=True, eq=False)
class Pyramid:
    """A texture and its successively halved copies, in one tensor."""

    texels: Float[Tensor, "n_texel c"]
    """Level after level, row after row."""
    sizes: tuple[tuple[int, int], ...]
    """Height and width of every level, the finest first."""

    def level(self, index: int) -> Float[Tensor, "h w c"]:
        """One level as a picture."""
        height, width = self.sizes[index]
        first = sum(h * w for h, w in self.sizes[:index])
        texels = self.texels[first : first + height * width]
        return rearrange(texels, "(h w) c -> h w c", h=height)


def texture_pyramid(texture: Float[Tensor, "h w c"], *, num_levels: int | None = None) -> Pyramid:
    """Mip levels by area averaging, each half as large (rounded down), to one texel by default.

    Differentiable. Average linear light: convert sRGB-encoded colours first.
    """
    height, width = texture.shape[:2]
    most = max(height, width).bit_length()
    count = most if num_levels is None else num_levels
    if not 1 <= count <= most:
        raise InputError(f"a {height} x {width} texture has 1 to {most} mip levels, not {count}")
    levels = [rearrange(texture, "h w c -> 1 c h w")]
    for _ in range(count - 1):
        h, w = levels[-1].shape[2:]
        half = (max(h // 2, 1), max(w // 2, 1))
        levels.append(torch.nn.functional.adaptive_avg_pool2d(levels[-1], half))
    texels = torch.cat([rearrange(one, "1 c h w -> (h w) c") for one in levels])
    return Pyramid(texels, tuple((one.shape[2], one.shape[3]) for one in levels))


def sample_texture(
    texture: Float[Tensor, "h w c"] | Pyramid,
    uv: Float[Tensor, "*pixels 2"],
    *,
    level: Float[Tensor, "*pixels"] | None = None,
    wrap: Wrap = "repeat",
) -> Float[Tensor, "*pixels c"]:
    """Texture values at texture coordinates, differentiable in texels, ``uv`` and ``level``.

    Args:
        texture: a picture, or a pyramid for lookups with a level.
        uv: u right, v up.
        level: 0 is the finest; blended linearly between the two nearest levels (trilinear) and
            kept within the pyramid. None: bilinear on the finest.
        wrap: what lies outside [0, 1].
    """
    pyramid = texture if isinstance(texture, Pyramid) else texture_pyramid(texture, num_levels=1)
    if pyramid.texels.dtype != uv.dtype:
        raise InputError(f"the texture is {pyramid.texels.dtype}, its coordinates {uv.dtype}")
    flat_level = uv.new_empty(0) if level is None else level.reshape(-1)
    values = _SampleTexture.apply(
        pyramid.texels, uv.reshape(-1, 2), flat_level, pyramid.sizes, wrap == "repeat"
    )
    return values.view(*uv.shape[:-1], -1)


def uv_jacobian(
    uvs: Float[Tensor, "n_uv 2"],
    uv_faces: Int[Tensor, "m 3"],
    vertices: Float[Tensor, "n 3"],
    faces: Int[Tensor, "m 3"],
    cameras: Cameras,
    fragments: Fragments,
) -> Float[Tensor, "v h w uv=2 xy=2"]:
    """How texture coordinates change from pixel to pixel: ``d(u, v) / d(x, y)``, exact, constant.

    Constant means without gradients: it chooses mip levels, which nobody optimises through.
    """
    seen = world_to_camera(cameras, vertices.detach())
    face_index = fragments.face_index.contiguous()
    jacobian = seen.new_empty(*face_index.shape, 2, 2)
    triangles, corners = kernel_faces(faces).numpy(), kernel_faces(uv_faces).numpy()
    coordinates, k = uvs.detach().contiguous().numpy(), pinhole_rows(cameras.intrinsics)
    for view, points in enumerate(seen.contiguous().numpy()):
        run_blocks(
            kernels.uv_jacobian_rows,
            cameras.height,
            BAND_ROWS,
            points,
            triangles,
            k[view],
            face_index[view].numpy(),
            coordinates,
            corners,
            jacobian[view].numpy(),
        )
    return jacobian


def mip_level(
    jacobian: Float[Tensor, "v h w 2 2"], height: int, width: int
) -> Float[Tensor, "v h w"]:
    """The level at which the longer side of a pixel's footprint is one texel: its log2, from 0."""
    texels = jacobian * jacobian.new_tensor([width, height])[:, None]
    longest = texels.square().sum(-2).amax(-1)
    return (0.5 * longest.clamp_min(1e-30).log2()).clamp_min(0.0)


class _SampleTexture(torch.autograd.Function):
    """Lookups in flat lists of pixels."""

    @staticmethod
    def forward(
        ctx: Any,
        texels: Tensor,
        uv: Tensor,
        level: Tensor,
        sizes: tuple[tuple[int, int], ...],
        repeat: bool,
    ) -> Tensor:
        texels, uv, level = texels.contiguous(), uv.contiguous(), level.contiguous()
        ctx.save_for_backward(texels, uv, level)
        ctx.sizes, ctx.repeat = sizes, repeat
        values = texels.new_empty(len(uv), texels.shape[1])
        starts, shapes = level_layout(sizes)
        run_blocks(
            kernels.sample_block,
            len(uv),
            PIXEL_BLOCK,
            texels.detach().numpy(),
            starts,
            shapes,
            uv.detach().numpy(),
            level.detach().numpy(),
            repeat,
            values.numpy(),
        )
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        texels, uv, level = ctx.saved_tensors
        starts, shapes = level_layout(ctx.sizes)
        lookups = (starts, shapes, uv.detach().numpy(), level.detach().numpy(), ctx.repeat)
        flat = grad.contiguous().numpy()
        grad_texels = grad_uv = grad_level = None
        if ctx.needs_input_grad[0]:
            grad_texels = torch.empty_like(texels)
            block = -(-len(texels) // min(torch.get_num_threads(), MAX_TEXEL_BLOCKS))
            run_blocks(
                kernels.texel_gradient_block,
                len(texels),
                block,
                *lookups,
                flat,
                grad_texels.numpy(),
            )
        if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
            grad_uv, grad_level = torch.empty_like(uv), torch.empty_like(level)
            run_blocks(
                kernels.position_gradient_block,
                len(uv),
                PIXEL_BLOCK,
                texels.detach().numpy(),
                *lookups,
                flat,
                grad_uv.numpy(),
                grad_level.numpy(),
            )
        return grad_texels, grad_uv, grad_level, None, None


def level_layout(sizes: Sequence[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First texel and size of every level."""
    shapes = np.array(sizes, np.int64)
    areas = shapes.prod(1)
    return np.cumsum(areas) - areas, shapes
