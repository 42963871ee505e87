"""A mesh from a file as the rasterizer takes it, whatever it keeps its colours in."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.raster.color import linear_to_srgb, srgb_to_linear
from common.raster.mesh import TriangleMesh
from common.raster.texture import sample_texture
from threed.textured_trimesh import triangle_mesh

if TYPE_CHECKING:
    import trimesh


def drawable_mesh(mesh: "trimesh.Trimesh") -> TriangleMesh:
    """The mesh with its base colour: texture times factor, or vertex or face colours, or a factor.

    Transparency is left out; normals are the mesh's own.
    """
    visual: Any = mesh.visual
    if getattr(visual, "kind", None) == "texture" and _has_texture(visual):
        drawn = triangle_mesh(mesh)
        factor = base_color_factor(visual.material)
        if factor == (1.0, 1.0, 1.0):
            return drawn
        return replace(drawn, vertex_colors=_everywhere(factor, len(drawn.vertices)))
    plain = TriangleMesh(
        torch.from_numpy(np.array(mesh.vertices, dtype=np.float32)),
        torch.from_numpy(np.array(mesh.faces, dtype=np.int32)),
        normals=torch.from_numpy(np.array(mesh.vertex_normals, dtype=np.float32)),
    )
    if visual.kind == "face":
        return replace(plain, face_colors=_unit(visual.face_colors))
    if visual.kind == "vertex":
        return replace(plain, vertex_colors=_unit(visual.vertex_colors))
    factor = base_color_factor(getattr(visual, "material", None))
    return replace(plain, vertex_colors=_everywhere(factor, len(plain.vertices)))


def drawable_with_uvs(mesh: "trimesh.Trimesh") -> TriangleMesh:
    """The same with the mesh's texture coordinates, also where there is no texture yet."""
    drawn, uvs = drawable_mesh(mesh), getattr(mesh.visual, "uv", None)
    if drawn.uvs is not None or uvs is None or len(uvs) != len(mesh.vertices):
        return drawn
    return replace(drawn, uvs=torch.from_numpy(np.array(uvs, dtype=np.float32)))


def corner_colors(mesh: TriangleMesh) -> Float[Tensor, "corners 3"]:
    """The sRGB-encoded colour at each corner of each face, ``m`` times three rows."""
    flat = mesh.faces.flatten().long()
    linear = torch.ones(len(flat), 3)
    if mesh.texture is not None and mesh.uvs is not None:
        corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
        uvs = mesh.uvs[corners.flatten().long()]
        linear = linear * sample_texture(srgb_to_linear(mesh.texture), uvs)
    if mesh.vertex_colors is not None:
        linear = linear * srgb_to_linear(mesh.vertex_colors[flat])
    if mesh.face_colors is not None:
        linear = linear * srgb_to_linear(mesh.face_colors).repeat_interleave(3, 0)
    return linear_to_srgb(linear).clamp(0, 1)


def base_color_factor(material: Any) -> tuple[float, float, float]:
    """A PBR material's factor, linear; white where there is none."""
    factor = getattr(material, "baseColorFactor", None)
    if factor is None:
        return (1.0, 1.0, 1.0)
    values = np.asarray(factor)
    scale = 255.0 if values.dtype.kind in "ui" else 1.0
    red, green, blue = (float(one) / scale for one in values[:3])
    return (red, green, blue)


def _has_texture(visual: Any) -> bool:
    image = getattr(visual.material, "baseColorTexture", None)
    return image is not None and visual.uv is not None


def _everywhere(linear: tuple[float, float, float], count: int) -> Tensor:
    return linear_to_srgb(torch.tensor([linear], dtype=torch.float32)).expand(count, 3).contiguous()


def _unit(colors: Any) -> Tensor:
    return torch.from_numpy(np.asarray(colors)[:, :3].astype(np.float32) / 255)
