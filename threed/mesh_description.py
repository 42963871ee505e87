"""What is in a mesh file that is no glTF, for ``run.py inspect``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from threed.files.losses import alpha_losses, has_texture
from threed.material import plain_material
from threed.mesh_files import read_mesh
from threed.open_edges import has_open_edges

if TYPE_CHECKING:
    import trimesh


def described_mesh(path: Path) -> list[str]:
    """Counts, size, colours and what of it would not survive reading.

    Raises:
        InputError: damaged, too large, or without faces.
    """
    read = read_mesh(path)
    return [
        *described_trimesh(plain_material(read.mesh)),
        *(f"note: {loss}" for loss in read.losses),
    ]


def described_trimesh(mesh: "trimesh.Trimesh") -> list[str]:
    """A mesh that was read, a line each."""
    low, high = mesh.bounds
    sides = " x ".join(f"{side:.4g}" for side in high - low)
    corners = (f"({', '.join(f'{one:.4g}' for one in corner)})" for corner in (low, high))
    surface = "open edges" if has_open_edges(mesh.triangles) else "closed"
    return [
        f"{len(mesh.faces):,} faces, {len(mesh.vertices):,} vertices, {surface}",
        f"size: {sides} (metres, if its author meant them), from {' to '.join(corners)}",
        f"colours: {_colours(mesh)}",
    ]


def _colours(mesh: "trimesh.Trimesh") -> str:
    visual: Any = mesh.visual
    if has_texture(mesh):
        width, height = visual.material.baseColorTexture.size
        said = f"a texture of {width} x {height}"
    elif visual.kind in ("vertex", "face"):
        said = f"of its {'vertices' if visual.kind == 'vertex' else 'faces'}"
    elif getattr(visual, "uv", None) is not None:
        said = "none, but texture coordinates"
    else:
        said = "none, or one of a material"
    return said + (", with transparency" if alpha_losses(mesh) else "")
