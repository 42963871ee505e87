"""Triangles to fragments: which triangle each pixel centre sees, where on it, and how far away."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Int32
from numpy.typing import NDArray
from torch import Tensor

from common.cameras import Cameras, world_to_camera
from common.errors import InputError
from common.raster import barycentric_kernels as barycentrics
from common.raster import coverage_kernels as coverage
from common.raster.accumulate import add_bands, band_buffers
from common.raster.mesh import check_triangles
from common.raster.threads import run_blocks

FACE_BLOCK = 4096
VERTEX_BLOCK = 16384
BAND_ROWS = 16


@dataclass(frozen=True, eq=False)
class Fragments:
    """What every pixel centre sees of a mesh."""

    face_index: Int32[Tensor, "v h w"]
    """Row of ``faces``; -1 where nothing is seen."""
    barycentric: Float[Tensor, "v h w 3"]
    """Perspective-correct coordinates of the point seen: in [0, 1], sum 1; 0 where empty."""
    depth: Float[Tensor, "v h w"]
    """Camera-space z of the point seen, metres; 0 where empty."""

    @property
    def covered(self) -> Tensor:
        """Where something is seen, ``v h w`` bool."""
        return self.face_index >= 0


def rasterize(
    vertices: Float[Tensor, "n 3"],
    faces: Int[Tensor, "m 3"],
    cameras: Cameras,
    *,
    near: float = 0.01,
    cull_backfaces: bool = False,
) -> Fragments:
    """The nearest triangle at every pixel centre, differentiable in vertices and camera poses.

    Coverage is exact for positions snapped to 1/4096 pixel, with the top-left rule: closed meshes
    have no cracks and no pixel is hit twice along an edge. Of surfaces at the same depth the first
    triangle wins. Gradients flow through ``barycentric`` and ``depth``; which triangle is seen is
    piecewise constant, and its changes at silhouettes are the business of
    `common.raster.antialias.antialias`. Results do not depend on the number of threads.

    Args:
        vertices: positions in the world; float32 or float64 on the CPU, finite.
        faces: corner indices; counter-clockwise is the front.
        cameras: the views, in the dtype of ``vertices``.
        near: nothing closer than this depth is seen, metres, above 0.
        cull_backfaces: leave out triangles that turn their back to the camera.

    Raises:
        InputError: no faces, indices out of range, non-finite positions, other devices or dtypes,
            pictures beyond 16384 pixels.
    """
    _check_request(vertices, cameras, near)
    check_triangles(vertices, faces)
    seen = world_to_camera(cameras, vertices)
    outputs = _Rasterize.apply(
        seen,
        kernel_faces(faces),
        cameras.intrinsics,
        cameras.height,
        cameras.width,
        near,
        cull_backfaces,
    )
    return Fragments(*outputs)


class _Rasterize(torch.autograd.Function):
    """Camera-space vertices ``v n 3`` to fragments."""

    @staticmethod
    def forward(
        ctx: Any,
        vertices: Tensor,
        faces: Tensor,
        intrinsics: Tensor,
        height: int,
        width: int,
        near: float,
        cull: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        views = vertices.shape[0]
        face_index = torch.empty(views, height, width, dtype=torch.int32)
        barycentric = vertices.new_empty(views, height, width, 3)
        depth = vertices.new_empty(views, height, width)
        triangles, k = faces.numpy(), pinhole_rows(intrinsics)
        for view, points in enumerate(vertices.detach().contiguous().numpy()):
            seen = face_index[view].numpy()
            find_seen(points, triangles, k[view], near, cull, seen)
            run_blocks(
                barycentrics.locate_rows,
                height,
                BAND_ROWS,
                points,
                triangles,
                k[view],
                seen,
                barycentric[view].numpy(),
                depth[view].numpy(),
            )
        ctx.save_for_backward(vertices, faces, intrinsics, face_index)
        ctx.mark_non_differentiable(face_index)
        return face_index, barycentric, depth

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        vertices, faces, intrinsics, face_index = ctx.saved_tensors
        grad_barycentric, grad_depth = (grad.contiguous().numpy() for grad in grads[1:])
        grad_vertices = torch.empty_like(vertices, memory_format=torch.contiguous_format)
        triangles, k = faces.numpy(), pinhole_rows(intrinsics)
        for view, points in enumerate(vertices.detach().contiguous().numpy()):
            sums, rows = band_buffers(face_index.shape[1], points.shape)
            run_blocks(
                barycentrics.locate_bands_backward,
                len(sums),
                1,
                points,
                triangles,
                k[view],
                face_index[view].numpy(),
                rows,
                grad_barycentric[view],
                grad_depth[view],
                sums,
            )
            add_bands(sums, grad_vertices[view].numpy())
        return grad_vertices, None, None, None, None, None, None


def find_seen(
    vertices: NDArray,
    faces: NDArray[np.int32],
    k: NDArray[np.float64],
    near: float,
    cull: bool,
    seen: NDArray[np.int32],
) -> None:
    """Write the nearest triangle at every pixel centre of one view to ``seen`` (h, w)."""
    num_faces, (height, width) = len(faces), seen.shape
    num_bands, num_blocks = -(-height // BAND_ROWS), -(-num_faces // FACE_BLOCK)
    snapped = np.empty((len(vertices), 2), np.int64)
    usable = np.empty(len(vertices), np.bool_)
    run_blocks(
        coverage.project_block, len(vertices), VERTEX_BLOCK, vertices, k, near, snapped, usable
    )
    spans = np.empty((num_faces, 2), np.int32)
    counts = np.zeros((num_blocks, num_bands), np.int64)
    run_blocks(
        coverage.find_bands_block,
        num_faces,
        FACE_BLOCK,
        vertices,
        faces,
        k,
        near,
        snapped,
        usable,
        cull,
        height,
        width,
        BAND_ROWS,
        FACE_BLOCK,
        spans,
        counts,
    )
    ends = np.cumsum(counts.T.ravel()).reshape(num_bands, num_blocks)
    offsets = np.ascontiguousarray((ends - counts.T).T)
    members = np.empty(ends[-1, -1], np.int32)
    run_blocks(
        coverage.fill_bands_block, num_faces, FACE_BLOCK, spans, FACE_BLOCK, offsets, members
    )
    band_starts = np.concatenate([[0], ends[:, -1]])
    run_blocks(
        coverage.draw_bands,
        num_bands,
        1,
        vertices,
        faces,
        k,
        near,
        snapped,
        usable,
        BAND_ROWS,
        band_starts,
        members,
        seen,
    )


def pinhole_rows(intrinsics: Float[Tensor, "v 3 3"]) -> NDArray[np.float64]:
    """``fx, skew, cx, fy, cy`` of every view, as the kernels want them."""
    k = intrinsics.detach().double().numpy()
    return np.stack([k[:, 0, 0], k[:, 0, 1], k[:, 0, 2], k[:, 1, 1], k[:, 1, 2]], 1)


def kernel_faces(faces: Int[Tensor, "m 3"]) -> Int32[Tensor, "m 3"]:
    """Corner indices in the one integer type that kernels are compiled for."""
    return faces.to(torch.int32).contiguous()


def _check_request(vertices: Tensor, cameras: Cameras, near: float) -> None:
    if vertices.device.type != "cpu" or cameras.w2c.device.type != "cpu":
        raise InputError(f"rasterize works on the CPU; vertices are on {vertices.device}")
    if vertices.dtype not in (torch.float32, torch.float64):
        raise InputError(f"vertices must be float32 or float64, got {vertices.dtype}")
    if vertices.dtype != cameras.w2c.dtype:
        raise InputError(f"{vertices.dtype} vertices but {cameras.w2c.dtype} cameras: see to()")
    if not 0 < near < float("inf"):
        raise InputError(f"near must be above 0 metres, got {near}")
    side = max(cameras.height, cameras.width)
    if side > coverage.MAX_SIDE:
        raise InputError(f"pictures of up to {coverage.MAX_SIDE} pixels a side, got {side}")
    for name, values in (("poses", cameras.w2c), ("intrinsics", cameras.intrinsics)):
        if not bool(values.detach().isfinite().all()):
            raise InputError(f"camera {name} contain values that are not finite")
