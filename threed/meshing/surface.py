"""The surface of a voxel field as one clean triangle mesh.

Marching cubes (Lorensen and Cline 1987, in the topologically safe form of Lewiner et al. 2003), or
dual contouring, which keeps edges and corners sharp (`threed.meshing.dual_contouring`), on raw
density, whose trilinear interpolation is what the renderer sees. Before: cavities that nothing
can see from outside are filled and specks removed. After: smoothing that keeps the size (Taubin
1995).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.meshing.dual_contouring import dual_contoured
from threed.meshing.manifold import cut_to_manifold
from threed.meshing.triangles import Triangles
from threed.scenes.voxel_field import EMPTY_RAW, VoxelField, resampled

if TYPE_CHECKING:
    import trimesh

MARCHED_SMOOTHING = 10


@dataclass(frozen=True)
class SurfaceOptions:
    """How a field becomes a mesh."""

    method: Literal["marching_cubes", "dual_contouring"] = "marching_cubes"
    """Round edges, or sharp ones where the field has them: a blurred or noisy one has none."""
    num_cells: int | None = None
    """Cells along the longest side of the grid that is meshed, which sets the number of faces:
    about three for each cell that the surface passes. None: the field's own."""
    blur_cells: float = 0.7
    """Deviation of the Gaussian that takes the noise out of the density, in cells; 0 for none."""
    contrast: float = 4.0
    """Raw densities further than this from the level count as if they were that far; how dense
    matter is far inside or outside says nothing about where its surface is."""
    min_component: float = 0.01
    """Separate pieces below this share of the largest piece's volume are dropped."""
    smoothing_steps: int | None = None
    """Steps of Taubin smoothing; 0 for none. None: 10 after marching cubes, none after dual
    contouring, whose edges it would round."""


def extract_surface(
    field: VoxelField, level: float = 0.0, options: SurfaceOptions | None = None
) -> TriangleMesh:
    """The closed surface where raw density crosses ``level``, facing outward, with smooth normals.

    Args:
        field: what to mesh.
        level: in raw density; see `threed.meshing.level` for one that fits pictures.
        options: None: the defaults.

    Raises:
        InputError: nothing is denser than the level.
    """
    import trimesh
    from scipy import ndimage

    chosen = options or SurfaceOptions()
    if chosen.num_cells is not None:
        field = _with_cells(field, chosen.num_cells)
    raw = field.density.detach().double().numpy() - level
    raw = np.pad(raw, 1, constant_values=EMPTY_RAW - level)  # closes what reaches the box's faces
    raw = np.clip(raw, -chosen.contrast, chosen.contrast)
    if chosen.blur_cells > 0:
        raw = ndimage.gaussian_filter(raw, chosen.blur_cells)
    raw = _without_cavities(raw)
    solid = _large_pieces(raw > 0, chosen.min_component)
    if not solid.any():
        highest = float(field.density.max())
        raise InputError(
            f"nothing in the field is denser than raw density {level}; the densest node has "
            f"{highest:.3g}. The scene is empty: fit it longer, or lower the level"
        )
    kept = np.where(solid | (raw <= 0), raw, -chosen.contrast)
    dual = chosen.method == "dual_contouring"
    mesh = _dual(kept, field) if dual else _marched(kept, field)
    steps = chosen.smoothing_steps
    if steps is None:
        steps = 0 if dual else MARCHED_SMOOTHING
    if steps:
        trimesh.smoothing.filter_taubin(mesh, lamb=0.5, nu=0.53, iterations=steps)
    return TriangleMesh(
        torch.from_numpy(np.array(mesh.vertices)).float(),
        torch.from_numpy(np.array(mesh.faces)).int(),
    )


def _with_cells(field: VoxelField, num_cells: int) -> VoxelField:
    """The field on a grid with so many cells along its longest side."""
    cells = [size - 1 for size in field.density.shape]
    x, y, z = (max(round(count * num_cells / max(cells)), 1) + 1 for count in cells)
    return resampled(field, (x, y, z))


def _without_cavities(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    """The density with hollows that are closed all round made solid."""
    from scipy import ndimage

    solid = raw > 0
    hollow = ndimage.binary_fill_holes(solid) & ~solid
    return np.where(hollow, raw.max(), raw)


def _large_pieces(solid: Bool[np.ndarray, "x y z"], min_share: float) -> Bool[np.ndarray, "x y z"]:
    """The connected pieces (across faces) that have at least a share of the largest's nodes."""
    from scipy import ndimage

    labels, count = ndimage.label(solid)
    if count == 0:
        return solid
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    return (sizes >= min_share * sizes.max())[labels] & solid


def _dual(raw: Float[np.ndarray, "x y z"], field: VoxelField) -> "trimesh.Trimesh":
    """Dual contouring at 0 of a density with a border of one empty node, in world coordinates."""
    import trimesh

    vertices, faces = dual_contoured(raw.astype(np.float64))
    whole = np.zeros(len(faces), np.bool_)
    rows, places = np.arange(len(vertices)), np.arange(len(faces))
    made = cut_to_manifold(Triangles(vertices, faces, rows, places, whole, whole))
    world = np.array(field.low) + (made.vertices - 1) * np.array(field.cell_m)
    return trimesh.Trimesh(world, made.faces, process=False)


def _marched(raw: Float[np.ndarray, "x y z"], field: VoxelField) -> "trimesh.Trimesh":
    """Marching cubes at 0 of a density with a border of one empty node, in world coordinates."""
    import trimesh
    from skimage.measure import marching_cubes

    cell = np.array(field.cell_m)
    vertices, faces, _, _ = marching_cubes(raw, 0.0, gradient_direction="ascent")
    vertices = np.array(field.low) + (vertices - 1) * cell
    mesh = trimesh.Trimesh(vertices, faces, process=False)
    mesh.merge_vertices(digits_vertex=9)
    mesh.update_faces(mesh.nondegenerate_faces())
    mesh.remove_unreferenced_vertices()
    return mesh
