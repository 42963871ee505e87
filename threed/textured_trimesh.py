"""Between the project's triangle meshes and trimesh's, which reads and writes files."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from common.errors import InputError
from common.raster.mesh import TriangleMesh, vertex_normals

if TYPE_CHECKING:
    import trimesh

ROUGHNESS = 0.9
"""Matte: the light of the pictures is in the texture already, reflections would come on top."""


def textured_trimesh(mesh: TriangleMesh, roughness: float = ROUGHNESS) -> "trimesh.Trimesh":
    """The mesh for export: one vertex for each pair of position and texture coordinate.

    Normals are those of the closed surface, so that seams are not seen in the light. The material
    says what glTF would otherwise take for metal: metallic 0, colour factor white.

    Raises:
        InputError: the mesh has no texture.
    """
    import trimesh
    from PIL import Image
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial

    if mesh.uvs is None or mesh.texture is None:
        raise InputError("only a textured mesh can be exported as one: see unwrap and baked")
    corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals
    normal_faces = mesh.faces if mesh.normal_faces is None else mesh.normal_faces
    keys = torch.stack([corners.flatten(), mesh.faces.flatten(), normal_faces.flatten()], -1)
    rows, faces = np.unique(keys.numpy(), axis=0, return_inverse=True)
    pixels = (mesh.texture.clamp(0, 1) * 255).round().byte().numpy()
    material = PBRMaterial(
        baseColorTexture=Image.fromarray(pixels),
        baseColorFactor=[255, 255, 255, 255],
        metallicFactor=0.0,
        roughnessFactor=roughness,
        doubleSided=None,  # the exporter looks whether the surface is open
    )
    return trimesh.Trimesh(
        mesh.vertices.numpy()[rows[:, 1]],
        faces.reshape(-1, 3),
        vertex_normals=normals.numpy()[rows[:, 2]],
        visual=TextureVisuals(uv=mesh.uvs.numpy()[rows[:, 0]], material=material),
        process=False,
    )


def triangle_mesh(mesh: "trimesh.Trimesh") -> TriangleMesh:
    """A textured mesh as read from a file, ready to be drawn.

    Raises:
        InputError: it has no base colour texture.
    """
    visual: Any = mesh.visual
    image = getattr(getattr(visual, "material", None), "baseColorTexture", None)
    if image is None or getattr(visual, "uv", None) is None:
        raise InputError("the mesh has no base colour texture")
    pixels = np.asarray(image.convert("RGB"), dtype=np.float32) / 255
    faces = torch.from_numpy(np.array(mesh.faces, dtype=np.int32))
    return TriangleMesh(
        torch.from_numpy(np.array(mesh.vertices, dtype=np.float32)),
        faces,
        uvs=torch.from_numpy(np.array(visual.uv, dtype=np.float32)),
        normals=torch.from_numpy(np.array(mesh.vertex_normals, dtype=np.float32)),
        texture=torch.from_numpy(pixels),
    )
