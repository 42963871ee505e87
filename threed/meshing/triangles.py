"""Triangles on their way through cleaning, each remembering which given face it came from."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float64, Int64
from torch import Tensor

from common.raster.mesh import TriangleMesh


@dataclass(frozen=True, eq=False)
class Triangles:
    """Positions and corners, and their origin in the mesh that is cleaned."""

    vertices: Float64[np.ndarray, "n 3"]
    faces: Int64[np.ndarray, "m 3"]
    vertex_source: Int64[np.ndarray, " n"]
    """The given vertex that each came from."""
    source: Int64[np.ndarray, " m"]
    """The given face that each came from; of faces that were made, one beside them."""
    made: Bool[np.ndarray, " m"]
    """Which faces are none of the given ones."""
    turned: Bool[np.ndarray, " m"]
    """Which faces run the other way round than they were given."""

    @property
    def corners(self) -> Float64[np.ndarray, "m 3 3"]:
        """Positions of the corners: face, corner, xyz."""
        return self.vertices[self.faces]


def triangles_of(mesh: TriangleMesh) -> Triangles:
    """A mesh, as given."""
    count = len(mesh.faces)
    return Triangles(
        mesh.vertices.detach().double().numpy(),
        mesh.faces.numpy().astype(np.int64),
        np.arange(len(mesh.vertices)),
        np.arange(count),
        np.zeros(count, np.bool_),
        np.zeros(count, np.bool_),
    )


def with_faces(triangles: Triangles, chosen: np.ndarray) -> Triangles:
    """Some of the faces, by index or mask; vertices stay."""
    return replace(
        triangles,
        faces=triangles.faces[chosen],
        source=triangles.source[chosen],
        made=triangles.made[chosen],
        turned=triangles.turned[chosen],
    )


def with_turned(triangles: Triangles, chosen: Bool[np.ndarray, " m"]) -> Triangles:
    """Some of the faces the other way round."""
    faces = np.where(chosen[:, None], triangles.faces[:, [0, 2, 1]], triangles.faces)
    return replace(triangles, faces=faces, turned=triangles.turned ^ chosen)


def with_new_faces(
    triangles: Triangles, faces: Int64[np.ndarray, "k 3"], beside: Int64[np.ndarray, " k"]
) -> Triangles:
    """More faces between the vertices there are; ``beside``: the face that each looks like."""
    return replace(
        triangles,
        faces=np.concatenate([triangles.faces, faces]),
        source=np.concatenate([triangles.source, triangles.source[beside]]),
        made=np.concatenate([triangles.made, np.ones(len(faces), np.bool_)]),
        turned=np.concatenate([triangles.turned, triangles.turned[beside]]),
    )


def without_unused(triangles: Triangles) -> Triangles:
    """Only the vertices that some face has, in their order."""
    used, corners = np.unique(triangles.faces, return_inverse=True)
    return replace(
        triangles,
        vertices=triangles.vertices[used],
        vertex_source=triangles.vertex_source[used],
        faces=corners.reshape(-1, 3),
    )


def mesh_of(triangles: Triangles, given: TriangleMesh) -> TriangleMesh:
    """The triangles as a mesh with the colours, parts and materials of the given one.

    Texture coordinates and texture are left out where faces were made, which have none; normals
    also where faces were turned. (Absent normals are smooth ones.)
    """
    rows, flip = torch.from_numpy(triangles.source), torch.from_numpy(triangles.turned)
    keep_uvs = given.uvs is not None and not triangles.made.any()
    keep_normals = given.normals is not None and not (triangles.made | triangles.turned).any()

    def corners(own: Tensor | None) -> Tensor:
        chosen = (given.faces if own is None else own)[rows]
        return torch.where(flip[:, None], chosen[:, [0, 2, 1]], chosen)

    def per_face(values: Tensor | None) -> Tensor | None:
        return None if values is None else values[rows]

    colours = given.vertex_colors
    return TriangleMesh(
        torch.from_numpy(triangles.vertices).to(given.vertices.dtype),
        torch.from_numpy(triangles.faces).to(given.faces.dtype),
        uvs=given.uvs if keep_uvs else None,
        uv_faces=corners(given.uv_faces) if keep_uvs else None,
        texture=given.texture if keep_uvs else None,
        normals=given.normals if keep_normals else None,
        normal_faces=corners(given.normal_faces) if keep_normals else None,
        vertex_colors=None
        if colours is None
        else colours[torch.from_numpy(triangles.vertex_source)],
        face_colors=per_face(given.face_colors),
        face_roughness=per_face(given.face_roughness),
        face_metallic=per_face(given.face_metallic),
        part_ids=per_face(given.part_ids),
    )
