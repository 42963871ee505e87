"""Normals of a mesh that has none worth keeping: smooth, but for creases.

At each corner of a face the normals of the faces about its vertex are averaged, weighted by their
angles there (Thurmer and Wuthrich 1998), leaving out faces that lean further than a crease from it.
So a ball is round, a cube has edges, and a cylinder has both.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from common.raster.mesh import TriangleMesh, corner_positions, face_normals, vertex_normals

CREASE_DEG = 40.0
_MANY = 200
"""Faces about a vertex from which it is smooth all round: pairs of them would fill the memory."""
_DIGITS = 4
"""Normals that agree in these decimals are one, so that corners can share a vertex."""


def with_crease_normals(mesh: TriangleMesh, crease_deg: float = CREASE_DEG) -> TriangleMesh:
    """The mesh with a normal for each corner, shared where they are the same.

    Args:
        mesh: its vertices shared between faces (welded).
        crease_deg: faces whose normals differ by more do not round each other off.
    """
    faces = mesh.faces.long()
    normals = _corner_normals(mesh, crease_deg)
    rounded = (normals * 10**_DIGITS).round().long()
    keys = torch.cat([faces.reshape(-1, 1), rounded], 1).numpy()
    _, first, rows = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return replace(
        mesh,
        normals=normals[torch.from_numpy(first)].to(mesh.vertices.dtype),
        normal_faces=torch.from_numpy(rows.reshape(-1, 3)).to(mesh.faces.dtype),
    )


def flat_normals(mesh: TriangleMesh) -> bool:
    """Whether the normals are those of the faces themselves, as of files that keep none."""
    if mesh.normals is None:
        return False
    corners = mesh.faces if mesh.normal_faces is None else mesh.normal_faces
    own = mesh.normals[corners.long()]
    flat = face_normals(mesh.vertices, mesh.faces)[:, None]
    real = flat.norm(dim=-1) > 0
    return bool(((own * flat).sum(-1)[real[:, 0]] > 1 - 1e-4).all())


def _corner_normals(mesh: TriangleMesh, crease_deg: float) -> Float[Tensor, "corners 3"]:
    flat = face_normals(mesh.vertices, mesh.faces).double()
    weights = _angles(mesh).flatten()
    vertex = mesh.faces.long().flatten()
    counts = torch.bincount(vertex, minlength=len(mesh.vertices))
    here, there = _pairs(vertex, torch.where(counts <= _MANY, counts, 0))
    alike = (flat[here // 3] * flat[there // 3]).sum(-1) >= np.cos(np.radians(crease_deg)) - 1e-6
    alike |= here == there
    here, there = here[alike], there[alike]
    total = torch.zeros(len(vertex), 3, dtype=torch.float64)
    total.index_add_(0, here, weights[there, None] * flat[there // 3])
    smooth = vertex_normals(mesh.vertices, mesh.faces).double()[vertex]
    total = torch.where(total.norm(dim=-1, keepdim=True) > 1e-12, total, smooth)
    return torch.nn.functional.normalize(total, dim=-1)


def _angles(mesh: TriangleMesh) -> Float[Tensor, "m 3"]:
    """Of each face at each of its corners, radians."""
    corners = corner_positions(mesh.vertices, mesh.faces).double()
    forward, backward = corners.roll(-1, 1) - corners, corners.roll(1, 1) - corners
    sine = torch.linalg.cross(forward, backward).norm(dim=-1)
    return torch.atan2(sine, (forward * backward).sum(-1))


def _pairs(
    vertex: Int64[Tensor, " corners"], counts: Int64[Tensor, " n"]
) -> tuple[Int64[Tensor, " p"], Int64[Tensor, " p"]]:
    """All ordered pairs of corners at one vertex, each with itself too; none where counts are 0."""
    order = torch.argsort(vertex, stable=True)
    starts = torch.bincount(vertex, minlength=len(counts)).cumsum(0)
    starts = starts - torch.bincount(vertex, minlength=len(counts))
    repeats = counts[vertex]
    here = torch.arange(len(vertex)).repeat_interleave(repeats)
    begins = (repeats.cumsum(0) - repeats).repeat_interleave(repeats)
    within = torch.arange(len(here)) - begins
    return here, order[starts[vertex[here]] + within]
