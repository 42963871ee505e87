"""The voxel field of our nerfstudio plugin's checkpoints as a mesh, where its dataset has it."""

from dataclasses import replace

import torch
from einops import einsum
from torch.nn import functional

from common.raster.mesh import TriangleMesh
from threed.conversion.mesh_gaussians import MeshedScene, meshed_field, placed_back
from threed.conversion.options import Meshing
from threed.measures.cloud_views import Frame
from threed.nerfstudio.dataparser import TRAINING_AXES, DataparserTransform
from threed.scenes.voxel_field import EMPTY_RAW, VoxelField, resampled
from threed.splats.axes import axes_matrix


def meshed_voxels(
    field: VoxelField,
    transform: DataparserTransform | None,
    options: Meshing,
    max_faces: int | None,
    texture_px: int,
) -> MeshedScene:
    """The surface of a field, textured with what it looks like from all round.

    Args:
        field: from `threed.nerfstudio.voxel_checkpoint.trained_field`.
        transform: of the run, to put the mesh where the dataset has the object; None leaves it in
            the training world, its up turned to ours.
        options: cells of the surface's grid, renders and fit.
        max_faces: more are merged; None keeps all.
        texture_px: side of the texture.

    Raises:
        InputError: the field is empty.
    """
    placed, frame = in_unit_sphere(_with_cells(field, options.num_cells))
    made = meshed_field(placed, options, max_faces, texture_px)
    mesh = placed_back(made.mesh, frame)
    return replace(made, mesh=mesh if transform is None else in_dataset(mesh, transform))


def in_unit_sphere(field: VoxelField) -> tuple[VoxelField, Frame]:
    """The field moved and scaled so that its box is in the unit sphere, and from where.

    Lengths shrink by the radius, so density per length grows by it: what is seen stays the same.
    """
    low, high = (torch.tensor(corner, dtype=torch.float64) for corner in (field.low, field.high))
    middle, half = (low + high) / 2, (high - low) / 2
    radius = float(half.norm())
    denser = radius * functional.softplus(field.density.double())
    # undoes the softplus: log(e^x - 1)
    raw = denser + (-torch.expm1(-denser.clamp_min(1e-12))).log()
    a, b, c = (half / radius).tolist()
    x, y, z = middle.tolist()
    density = raw.clamp_min(EMPTY_RAW).to(field.density)
    return VoxelField(density, field.colour, (-a, -b, -c), (a, b, c)), Frame((x, y, z), radius)


def in_dataset(mesh: TriangleMesh, transform: DataparserTransform) -> TriangleMesh:
    """A mesh of the training world where the dataset has it: ``x_file = R^T (x / scale - t)``."""
    axes = axes_matrix(TRAINING_AXES)
    turn = axes @ transform.turn @ axes.T
    places = mesh.vertices.double() / transform.scale - axes @ transform.shift
    points = einsum(turn, places, "i j, n i -> n j").float()
    if mesh.normals is None:
        return replace(mesh, vertices=points)
    normals = einsum(turn, mesh.normals.double(), "i j, n i -> n j").float()
    return replace(mesh, vertices=points, normals=normals)


def _with_cells(field: VoxelField, num_cells: int) -> VoxelField:
    """The field on cells of which so many lie along its longest side."""
    longest = max(field.density.shape) - 1
    if longest == num_cells:
        return field
    x, y, z = (max(round((n - 1) * num_cells / longest), 1) + 1 for n in field.density.shape)
    return resampled(field, (x, y, z))
