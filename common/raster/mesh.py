"""The triangle mesh that everything renders, and its normals."""

from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from common.errors import InputError


@dataclass(frozen=True, eq=False)
class TriangleMesh:
    """Triangles in the world (+Y up, front +Z, metres), counter-clockwise seen from outside.

    Texture coordinates and normals may have their own triangles, as in OBJ files: positions are
    shared across texture seams and hard edges, so that the surface stays watertight. Colours are
    sRGB-encoded, as painted, and multiply each other like glTF's factors:
    ``albedo = texture(uv) * vertex_colors * face_colors``; what is missing counts as white.
    """

    vertices: Float[Tensor, "n 3"]
    """Positions."""
    faces: Int[Tensor, "m 3"]
    """Corners of every triangle, as rows of ``vertices``."""
    uvs: Float[Tensor, "n_uv 2"] | None = None
    """Texture coordinates, u right and v *up* (OBJ): (0, 0) is the texture's bottom-left corner."""
    uv_faces: Int[Tensor, "m 3"] | None = None
    """Corners as rows of ``uvs``; None: ``faces``."""
    normals: Float[Tensor, "n_normal 3"] | None = None
    """Outward unit normals; None: smooth normals from the triangles (`vertex_normals`)."""
    normal_faces: Int[Tensor, "m 3"] | None = None
    """Corners as rows of ``normals``; None: ``faces``."""
    vertex_colors: Float[Tensor, "n 3"] | None = None
    """sRGB-encoded, in [0, 1]."""
    face_colors: Float[Tensor, "m 3"] | None = None
    """sRGB-encoded, in [0, 1]."""
    texture: Float[Tensor, "h w 3"] | None = None
    """sRGB-encoded, in [0, 1]; row 0 is the top of the picture. Needs ``uvs``."""
    face_roughness: Float[Tensor, " m"] | None = None
    """In [0, 1]; None: 1 (matte)."""
    face_metallic: Float[Tensor, " m"] | None = None
    """In [0, 1]; None: 0 (no metal)."""
    part_ids: Int[Tensor, " m"] | None = None
    """Which part each triangle belongs to, from 0; None: all part 0."""

    def __post_init__(self) -> None:
        check_triangles(self.vertices, self.faces)
        if self.texture is not None and self.uvs is None:
            raise InputError("a mesh with a texture needs texture coordinates (uvs)")
        self._check_lengths()
        for rows, corners, name in (
            (self.uvs, self.uv_faces, "uv"),
            (self.normals, self.normal_faces, "normal"),
        ):
            if rows is not None:
                check_corners(rows, self.faces if corners is None else corners, name)

    def _check_lengths(self) -> None:
        per_face = ("uv_faces", "normal_faces", "face_colors", "face_roughness", "face_metallic")
        counts = dict.fromkeys((*per_face, "part_ids"), len(self.faces))
        for name, count in (*counts.items(), ("vertex_colors", len(self.vertices))):
            values = getattr(self, name)
            if values is not None and len(values) != count:
                raise InputError(f"the mesh has {len(values)} {name}, but needs {count}")
        if self.part_ids is not None and int(self.part_ids.min()) < 0:
            raise InputError(f"parts count from 0; found part {int(self.part_ids.min())}")


def check_triangles(vertices: Float[Tensor, "n 3"], faces: Int[Tensor, "m 3"]) -> None:
    """Refuse what cannot be drawn: no faces, non-finite positions, corners out of range."""
    if len(faces) == 0:
        raise InputError("the mesh has no faces")
    finite = np.isfinite(vertices.detach().cpu().numpy())
    if not finite.all():
        bad = (~finite).any(-1).nonzero()[0]
        raise InputError(
            f"{len(bad)} of {len(vertices)} vertices are not finite numbers, "
            f"first vertex {bad[0]}: {vertices[int(bad[0])].tolist()}"
        )
    check_corners(vertices, faces, "vertex")


def check_corners(rows: Tensor, corners: Int[Tensor, "m 3"], name: str) -> None:
    """Refuse corners that are not rows of a table; ``name`` says of which."""
    if len(corners) == 0:
        return
    # numpy's reductions, here and above, wake no threads of torch: see common.raster.threads
    values = corners.cpu().numpy()
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= len(rows):
        wrong = low if low < 0 else high
        raise InputError(f"a face refers to {name} {wrong}, but there are {len(rows)} (0 is first)")


def corner_positions(
    vertices: Float[Tensor, "n 3"], faces: Int[Tensor, "m 3"]
) -> Float[Tensor, "m 3 3"]:
    """Positions of every triangle's corners: face, corner, xyz."""
    return vertices.index_select(0, faces.flatten().long()).view(-1, 3, 3)


def face_normals(vertices: Float[Tensor, "n 3"], faces: Int[Tensor, "m 3"]) -> Float[Tensor, "m 3"]:
    """Unit normals of the triangles; zero where a triangle has no area."""
    return torch.nn.functional.normalize(_area_normals(vertices, faces), dim=-1, eps=1e-30)


def vertex_normals(
    vertices: Float[Tensor, "n 3"], faces: Int[Tensor, "m 3"]
) -> Float[Tensor, "n 3"]:
    """Smooth unit normals: means of the adjacent triangles' normals weighted by corner angles.

    Angle weights (Thurmer and Wuthrich 1998) do not depend on how the surface is cut into
    triangles. Vertices without a face get zero.
    """
    corners = corner_positions(vertices, faces)
    normal = face_normals(vertices, faces)
    forward = torch.nn.functional.normalize(corners.roll(-1, 1) - corners, dim=-1, eps=1e-30)
    backward = torch.nn.functional.normalize(corners.roll(1, 1) - corners, dim=-1, eps=1e-30)
    sine = torch.linalg.cross(forward, backward).norm(dim=-1)
    angle = torch.atan2(sine, (forward * backward).sum(-1))
    weighted = rearrange(angle[..., None] * normal[:, None], "m corner xyz -> (m corner) xyz")
    total = torch.zeros_like(vertices).index_add(0, faces.flatten().long(), weighted)
    return torch.nn.functional.normalize(total, dim=-1, eps=1e-30)


def _area_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    a, b, c = corner_positions(vertices, faces).unbind(1)
    return torch.linalg.cross(b - a, c - a)
