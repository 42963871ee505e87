"""Silhouettes with smooth edges, whose gradients move the vertices."""

from typing import Any

import torch
from jaxtyping import Float, Int, Int32
from numpy.typing import NDArray
from torch import Tensor

from common.cameras import Cameras, world_to_camera
from common.errors import InputError
from common.raster import antialias_kernels as kernels
from common.raster.accumulate import add_bands, band_buffers
from common.raster.rasterize import (
    BAND_ROWS,
    FACE_BLOCK,
    Fragments,
    kernel_faces,
    pinhole_rows,
)
from common.raster.threads import run_blocks
from common.raster.topology import face_neighbours

RIGHT, DOWN = 1, 0
"""Axes along which pixels are paired."""


def antialias(
    color: Float[Tensor, "v h w c"],
    vertices: Float[Tensor, "n 3"],
    faces: Int[Tensor, "m 3"],
    cameras: Cameras,
    fragments: Fragments,
    *,
    neighbours: Int32[Tensor, "m 3"] | None = None,
) -> Float[Tensor, "v h w c"]:
    """Blend colours across silhouettes by how far the edges reach into the pixels.

    Analytic antialiasing after Laine et al. 2020 (Modular Primitives for High-Performance
    Differentiable Rendering, section 3.6): exact pixel coverage for edges that pass a pixel from
    side to side near the direction of rows or columns, an approximation elsewhere. Differentiable
    in ``color`` and, through the positions of the edges, in ``vertices`` and camera poses: this is
    how a loss on a picture moves a silhouette.

    Horizontal pairs are blended first, then vertical ones; both are means with weights of sum 1,
    so values never leave the range of ``color``. Intersections of surfaces are no edges of the
    mesh and stay as they are, as do triangles so small that no pixel centre sees them.

    Args:
        color: what `interpolate`, `sample_texture` or shading made of the fragments; any channels.
        vertices: as for `rasterize`.
        faces: as for `rasterize`.
        cameras: as for `rasterize`.
        fragments: of these vertices, faces and cameras.
        neighbours: from `common.raster.topology.face_neighbours`, which is worth keeping while
            vertices move; None: found here, with equal positions welded.
    """
    if color.shape[:3] != fragments.face_index.shape:
        raise InputError(
            f"colours are {tuple(color.shape[:3])} views and pixels, "
            f"fragments {tuple(fragments.face_index.shape)}"
        )
    if neighbours is None:
        neighbours = face_neighbours(faces, vertices)
    if len(neighbours) != len(faces):
        raise InputError(f"neighbours of {len(neighbours)} faces do not fit {len(faces)} faces")
    seen = world_to_camera(cameras, vertices)
    return _Antialias.apply(
        color,
        seen,
        kernel_faces(faces),
        cameras.intrinsics,
        neighbours,
        fragments.face_index,
        fragments.depth.detach(),
    )


class _Antialias(torch.autograd.Function):
    """Two blends, along rows and along columns, with weights from the camera-space vertices."""

    @staticmethod
    def forward(
        ctx: Any,
        color: Tensor,
        vertices: Tensor,
        faces: Tensor,
        intrinsics: Tensor,
        neighbours: Tensor,
        face_index: Tensor,
        depth: Tensor,
    ) -> Tensor:
        color, vertices = color.detach().contiguous(), vertices.detach().contiguous()
        half, blended = torch.empty_like(color), torch.empty_like(color)
        weights = color.new_empty(2, *face_index.shape)
        edges = torch.empty(len(vertices), len(faces), dtype=torch.uint8)
        ctx.save_for_backward(
            color, half, weights, vertices, faces, intrinsics, neighbours, edges, face_index, depth
        )
        for view in range(len(vertices)):
            geometry = _geometry(
                view, vertices, faces, intrinsics, neighbours, edges, face_index, depth
            )
            points, triangles, _, across, silhouettes = geometry[:5]
            run_blocks(
                kernels.find_silhouettes_block,
                len(faces),
                FACE_BLOCK,
                points,
                triangles,
                across,
                silhouettes,
            )
            for axis, source, target in ((RIGHT, color, half), (DOWN, half, blended)):
                weight, pixels = weights[axis, view].numpy(), source[view].numpy()
                run_blocks(
                    kernels.weigh_pairs_rows, len(pixels), BAND_ROWS, *geometry, axis, weight
                )
                run_blocks(
                    kernels.blend_rows,
                    len(pixels),
                    BAND_ROWS,
                    weight,
                    axis,
                    pixels,
                    target[view].numpy(),
                )
        return blended

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        color, half, weights, *tensors = ctx.saved_tensors
        vertices = tensors[0]
        grad = grad.contiguous()
        grad_half, grad_color = torch.empty_like(color), torch.empty_like(color)
        grad_vertices = torch.empty_like(vertices) if ctx.needs_input_grad[1] else None
        for view in range(len(vertices)):
            geometry = _geometry(view, *tensors)
            sums, rows = band_buffers(color.shape[1], vertices.shape[1:])
            for axis, source, above, below in (
                (DOWN, half, grad, grad_half),
                (RIGHT, color, grad_half, grad_color),
            ):
                weight, upper = weights[axis, view].numpy(), above[view].numpy()
                run_blocks(
                    kernels.blend_backward_rows,
                    len(upper),
                    BAND_ROWS,
                    weight,
                    axis,
                    upper,
                    below[view].numpy(),
                )
                if grad_vertices is not None:
                    run_blocks(
                        kernels.crossing_bands_backward,
                        len(sums),
                        1,
                        *geometry,
                        axis,
                        weight,
                        source[view].numpy(),
                        upper,
                        rows,
                        sums,
                    )
            if grad_vertices is not None:
                add_bands(sums, grad_vertices[view].numpy())
        return grad_color, grad_vertices, None, None, None, None, None


def _geometry(
    view: int,
    vertices: Tensor,
    faces: Tensor,
    intrinsics: Tensor,
    neighbours: Tensor,
    edges: Tensor,
    face_index: Tensor,
    depth: Tensor,
) -> tuple[NDArray, ...]:
    """One view as the kernels take it."""
    pictures = (edges[view].numpy(), face_index[view].numpy(), depth[view].numpy())
    mesh = (vertices[view].numpy(), faces.numpy())
    return (*mesh, pinhole_rows(intrinsics)[view], neighbours.numpy(), *pictures)
