"""PLY with colours at its vertices, and STL, which has none: both closed across seams."""

from typing import TYPE_CHECKING, Any

import numpy as np

from threed.drawable import corner_colors, drawable_mesh
from threed.files.losses import alpha_losses, has_texture, map_losses
from threed.files.welded import distinct

if TYPE_CHECKING:
    import trimesh


def ply_bytes(mesh: "trimesh.Trimesh") -> tuple[bytes, tuple[str, ...]]:
    """Binary PLY with normals and sRGB bytes of colour, and what the format does not hold.

    A texture becomes the colours at the vertices, each the mean of those about it.
    """
    import trimesh

    visual: Any = mesh.visual
    rows = distinct(mesh.vertices)
    faces = rows.of[mesh.faces]
    colors = (corner_colors(drawable_mesh(mesh)) * 255).round().byte().numpy()
    corner = faces.ravel()
    count = np.maximum(np.bincount(corner, minlength=len(rows.rows)), 1)
    sums = [np.bincount(corner, colors[:, c], len(rows.rows)) for c in range(3)]
    means = (np.stack(sums, 1) / count[:, None]).round().astype(np.uint8)
    whole = trimesh.Trimesh(rows.rows, faces, vertex_colors=means, process=False)
    losses = [*map_losses(mesh), *alpha_losses(mesh)]
    if has_texture(mesh):
        losses.insert(0, "the texture became colours at the vertices")
    elif visual.kind == "face":
        losses.insert(0, "colours of faces became colours at the vertices")
    data = whole.export(file_type="ply", vertex_normal=True, include_attributes=False)
    assert isinstance(data, bytes)
    return data, tuple(losses)


def stl_bytes(mesh: "trimesh.Trimesh") -> tuple[bytes, tuple[str, ...]]:
    """Binary STL, and what the format does not hold."""
    visual: Any = mesh.visual
    data = mesh.export(file_type="stl")
    assert isinstance(data, bytes)
    lost = "colours" if visual.kind in ("vertex", "face") else "materials"
    lost = "the texture" if has_texture(mesh) else lost
    return data, (f"{lost} and smooth normals are left out",)
