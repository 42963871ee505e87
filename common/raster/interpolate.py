"""Vertex attributes carried to the pixels by barycentric coordinates."""

from typing import Any, no_type_check

import torch
from jaxtyping import Float, Int
from torch import Tensor

from common.errors import InputError
from common.raster.accumulate import add_bands, band_buffers
from common.raster.jit import kernel
from common.raster.mesh import check_corners
from common.raster.rasterize import BAND_ROWS, Fragments, kernel_faces
from common.raster.threads import run_blocks


def interpolate(
    attributes: Float[Tensor, "n c"], faces: Int[Tensor, "m 3"], fragments: Fragments
) -> Float[Tensor, "v h w c"]:
    """``sum_i b_i attributes[faces[f, i]]`` at every pixel, 0 where nothing is seen.

    Differentiable in the attributes and, through the fragments, in the vertices. ``faces`` may be
    another set of corners for the same triangles (texture coordinates, normals). Gradients do not
    depend on the number of threads.

    Raises:
        InputError: the corners do not fit the attributes, or dtypes differ.
    """
    check_corners(attributes, faces, "attribute")
    last = int(fragments.face_index.numpy().max())
    if last >= len(faces):
        raise InputError(
            f"fragments see triangle {last}, but the faces given have only {len(faces)}"
        )
    if attributes.dtype != fragments.barycentric.dtype:
        raise InputError(
            f"attributes are {attributes.dtype}, fragments {fragments.barycentric.dtype}"
        )
    return _Interpolate.apply(
        attributes, kernel_faces(faces), fragments.face_index, fragments.barycentric
    )


class _Interpolate(torch.autograd.Function):
    """Linear in the attributes and in the coordinates."""

    @staticmethod
    def forward(
        ctx: Any, attributes: Tensor, faces: Tensor, face_index: Tensor, barycentric: Tensor
    ) -> Tensor:
        attributes, barycentric = attributes.contiguous(), barycentric.contiguous()
        ctx.save_for_backward(attributes, faces, face_index, barycentric)
        values = attributes.new_empty(*face_index.shape, attributes.shape[1])
        seen, where = _rows(face_index, barycentric)
        flat = values.view(-1, *values.shape[2:]).numpy()
        run_blocks(
            _interpolate_rows,
            len(seen),
            BAND_ROWS,
            attributes.detach().numpy(),
            faces.numpy(),
            seen,
            where,
            flat,
        )
        return values

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        attributes, faces, face_index, barycentric = ctx.saved_tensors
        seen, where = _rows(face_index, barycentric)
        flat = grad.contiguous().view(-1, *grad.shape[2:]).numpy()
        corners = faces.numpy()
        grad_attributes = grad_barycentric = None
        if ctx.needs_input_grad[0]:
            grad_attributes = torch.empty_like(attributes)
            sums, rows = band_buffers(len(seen), attributes.shape)
            run_blocks(_attribute_bands, len(sums), 1, corners, seen, where, flat, rows, sums)
            add_bands(sums, grad_attributes.numpy())
        if ctx.needs_input_grad[3]:
            grad_barycentric = torch.empty_like(barycentric)
            run_blocks(
                _barycentric_rows,
                len(seen),
                BAND_ROWS,
                attributes.detach().numpy(),
                corners,
                seen,
                flat,
                grad_barycentric.view(-1, *barycentric.shape[2:]).numpy(),
            )
        return grad_attributes, None, None, grad_barycentric


def _rows(face_index: Tensor, barycentric: Tensor) -> tuple[Any, Any]:
    """The pictures of all views below each other: ``(v h) w``."""
    seen = face_index.contiguous().view(-1, face_index.shape[2])
    where = barycentric.detach().view(-1, *barycentric.shape[2:])
    return seen.numpy(), where.numpy()


@kernel
@no_type_check
def _interpolate_rows(start, stop, attributes, faces, seen, barycentric, values):
    for row in range(start, stop):
        for column in range(seen.shape[1]):
            f = seen[row, column]
            if f < 0:
                for c in range(values.shape[2]):
                    values[row, column, c] = 0.0
                continue
            v0, v1, v2 = faces[f, 0], faces[f, 1], faces[f, 2]
            b0, b1, b2 = barycentric[row, column]
            for c in range(values.shape[2]):
                values[row, column, c] = (
                    b0 * attributes[v0, c] + b1 * attributes[v1, c] + b2 * attributes[v2, c]
                )


@kernel
@no_type_check
def _barycentric_rows(start, stop, attributes, faces, seen, grad, grad_barycentric):
    """``dL/db_i = sum_c grad_c attributes[i, c]``."""
    for row in range(start, stop):
        for column in range(seen.shape[1]):
            f = seen[row, column]
            for i in range(3):
                total = 0.0
                if f >= 0:
                    v = faces[f, i]
                    for c in range(grad.shape[2]):
                        total += grad[row, column, c] * attributes[v, c]
                grad_barycentric[row, column, i] = total


@kernel
@no_type_check
def _attribute_bands(start, stop, faces, seen, barycentric, grad, rows, sums):
    """``dL/dattributes[faces[f, i]] += b_i grad``, one sum per band of rows."""
    for band in range(start, stop):
        for row in range(band * rows, min(band * rows + rows, seen.shape[0])):
            for column in range(seen.shape[1]):
                f = seen[row, column]
                if f < 0:
                    continue
                for i in range(3):
                    v, b = faces[f, i], barycentric[row, column, i]
                    for c in range(grad.shape[2]):
                        sums[band, v, c] += b * grad[row, column, c]
